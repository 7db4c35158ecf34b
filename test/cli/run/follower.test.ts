import { expect, test } from "vitest";
import type { TypedCall } from "../../../src/cli/typed-calls.js";
import { RunFollower } from "../../../src/cli/run/follower.js";
import { startApp } from "../../support/servers/app.js";
import { createDatabase } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

test("a run that ends between its history and how it stands is shown to its end", async () => {
  const team = new Crew(await startApp({ database: (await createDatabase("sqlite")).location }));
  const { run } = await team.start([{ key: "only" }]);
  const task = await team.take("ann", { run: run.id });
  const call: TypedCall = async (name, input) => {
    if (name === "get_run") await team.complete(task);
    return team.app.callUnchecked(name, input);
  };
  const { state, fresh } = await new RunFollower({ call, run: run.id, table: false, warnings: [], now: 0 }).poll();
  expect(state.run.status).toBe("succeeded");
  expect(fresh.map(({ event }) => event.type)).toEqual([
    "run.started",
    "task.claimed",
    "task.succeeded",
    "run.finished",
  ]);
  expect(state.recent.at(-1)?.type).toBe("run.finished");
  expect(state.claimedAt.size).toBe(0);
});
