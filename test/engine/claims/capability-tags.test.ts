import { describe, expect, test } from "vitest";
import { withWider } from "../../../src/engine/scheduling/capability-tags.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startAppOn } from "../../support/servers/app.js";

describe.each(BACKENDS)("a narrow capability on %s", (backend) => {
  test("meets what asks for a wider one, in claims, checks, routing and lists, and never the other way round", async () => {
    const app = await startAppOn(backend);
    const { call } = app;
    const crew = new Crew(app);
    await call("register_agent", { name: "ann", capabilities: ["fastapi"] });
    await call("register_agent", { name: "ben", capabilities: ["backend"] });
    const { run } = await crew.start([
      { key: "api", requires: ["backend"] },
      { key: "app", requires: ["fastapi"] },
    ]);
    const claimable = async (task: string, agent: string) =>
      (await call("check_task_ready", { task: `${run.id}/${task}`, agent })).claimable;
    expect([await claimable("api", "ann"), await claimable("app", "ben")]).toEqual([true, false]);
    const { ranking } = await call("route_task", { task: `${run.id}/api`, candidates: ["ann", "ben"] });
    expect(ranking.map(({ feasible, parts }) => [feasible, parts["capability"]])).toEqual([
      [true, 1],
      [true, 1],
    ]);
    const able = await call("list_agents", { capability: "python" });
    expect(able.agents.map(({ name }) => name)).toEqual(["ann"]);
    expect((await crew.take("ben", { run: run.id })).key).toBe("api");
    expect((await crew.claim("ben", { run: run.id, fresh: true })).reason).toBe("at_capacity");
    expect((await crew.take("ann", { run: run.id })).key).toBe("app");
  });
});

test("capabilities imply what is wider over all levels, each once, and unknown ones nothing", () => {
  expect([...withWider(["playwright", "cobol", "constructor"])]).toEqual([
    "playwright",
    "cobol",
    "constructor",
    "e2e-testing",
    "testing",
  ]);
  expect(withWider(["sqlite", "postgresql"])).toEqual(new Set(["sqlite", "postgresql", "sql", "database"]));
});
