import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { int } from "../../src/store/rows.js";
import type { Tx } from "../../src/store/tx.js";
import { startApp } from "../support/servers/app.js";
import { temporaryDirectory, testRuntime } from "../support/databases/databases.js";

// "query_operation" is a look: nothing of it is written down.
const look = (name: string, given: Record<string, unknown>) => ["query_operation", { name, arguments: given }] as const;

function* sessionCount(): Tx<number> {
  const [row] = yield ["SELECT count(*) AS count FROM sessions"];
  return row ? int(row, "count") : 0;
}

describe("a server whose client has not written", () => {
  test("makes no database where there is none", async () => {
    const { app, database, clock } = await startApp({ database: path.join(temporaryDirectory(), "baton.db") });
    await app.standBy("test");
    await app.runBackground();
    clock.advance(60_000);
    await app.runBackground();
    expect(existsSync(database)).toBe(false);
  });

  test("fires the timers of others and leaves no session", async () => {
    const runtime = testRuntime();
    const first = await startApp({ runtime });
    await first.call("create_project", { name: "p" });
    const steps = [
      { key: "pause", kind: "wait", for: "10s" },
      { key: "after", needs: ["pause"], prompt: "Go on." },
    ];
    const { run } = await first.call("execute_workflow", { project: "p", definition: { name: "w", steps } });
    await first.close();

    const asked: (number | undefined)[] = [];
    const second = await startApp({ runtime, database: first.database, onDue: (afterMs) => void asked.push(afterMs) });
    await second.app.standBy("test");
    await second.advance(9_400);
    // The interval alone would come too late: it is told when.
    expect(asked).toEqual([600]);
    await second.advance(600);
    const [name, input] = look("list_events", { run: run.id, types: ["task.succeeded"] });
    expect(await second.call(name, input)).toMatchObject({ result: { events: [{ data: { key: "pause" } }] } });
    const store = await second.app.store();
    expect(await store.read(sessionCount)).toBe(1);
  });
});
