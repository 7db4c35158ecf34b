import { expect, test } from "vitest";
import { listTasks } from "../../../src/store/tasks/lists.js";
import { statementsOf, type Tx } from "../../../src/store/tx.js";
import { openLockRoom } from "../../support/fixtures/lock-fixture.js";

test.each(["running", "waiting", "in_review", "blocked", "dead_letter"])(
  "a list of the tasks that are %s reads these alone, on the first page and on the next",
  async (status) => {
    const room = await openLockRoom();
    const project = await room.project();
    for (const after of [undefined, "task_0000000000000000"]) {
      const step = listTasks({ project: project.id, status, after, limit: 51 }).next();
      const [[sql, params] = [""]] = step.done === true ? [] : statementsOf(step.value);
      const plan = await room.store.read(function* (): Tx<string[]> {
        return (yield [`EXPLAIN QUERY PLAN ${sql}`, params ?? []]).map((row) => String(row["detail"]));
      });
      expect(plan[0]).toMatch(/^SEARCH tasks USING INDEX sqlite_autoindex_tasks_1 \(id=\?/);
      expect(plan.at(-1)).toMatch(/ tasks USING (?:COVERING )?INDEX tasks_(?:held|stuck)\b/);
    }
  },
);
