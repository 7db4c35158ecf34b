import { describe, expect, test } from "vitest";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { engineFor } from "../../../src/engine/engine.js";
import { assignBest, routeOf } from "../../../src/engine/routing/routes.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn } from "../../support/servers/app.js";
import { CALLER } from "../../support/databases/caller.js";

describe.each(BACKENDS)("a ranking that was read before on %s", (backend) => {
  test("reserves the task for the best that can still take it, and fails where none can", async () => {
    const app = await startAppOn(backend);
    const { call } = app;
    for (const name of ["ann", "ben"]) await call("register_agent", { name, capabilities: ["go"] });
    await call("update_agent", { agent: "ben", specialization: { a: 1 } });
    const { run } = await new Crew(app).start([{ key: "a", requires: ["go"] }]);
    const parts = { version: "test", settings: () => defaultSettings, now: () => app.clock.now(), effects: [] };
    const engine = engineFor(await app.app.store(), CALLER, parts);
    const query = { task: `${run.id}/a`, candidates: ["ann", "ben"], strategy: "capability", persona: {} } as const;
    const route = await engine.read((ctx) => routeOf(ctx, query));
    expect(route.ranking.map(({ agent }) => agent)).toEqual(["ben", "ann"]);
    await call("update_agent", { agent: "ben", capabilities: [] });
    expect((await engine.transact((ctx) => assignBest(ctx, route))).assigned).toBe("ann");
    await call("update_agent", { agent: "ann", capabilities: [] });
    await expect(engine.transact((ctx) => assignBest(ctx, route))).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("call route_task again"),
    });
    const { task } = await call("get_task", { task: `${run.id}/a` });
    expect(task.reserved_for).toBe("ann");
  });
});
