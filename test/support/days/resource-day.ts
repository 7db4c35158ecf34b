import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** A resource that one agent has and another waits for, until it is freed; and tasks that require some of it, one after the other. */
export async function resourceDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  await call("register_resource", { agent: "ben", id: "oven", type: "custom", capacity: { trays: 2 } });
  const trays = { requirements: { oven: { trays: 2 }, cpu: { cores: 0.1 } }, ttl_seconds: 60 };
  await call("allocate_resources", { agent: "ben", ...trays });
  await call("allocate_resources", { agent: "ann", ...trays, wait_seconds: 0.01 });
  await call("deallocate_resources", { agent: "ben" });
  await call("deallocate_resources", { agent: "ann" });
  const crew = new Crew(app);
  const resources = { oven: { trays: 2 } };
  const { run } = await crew.start(
    [
      { key: "bread", resources },
      { key: "cake", resources },
    ],
    { project },
  );
  const bread = await crew.take("baker", { run: run.id });
  await call("claim_task", { agent: "cook", run: run.id });
  await crew.complete(bread);
  await crew.complete(await crew.take("cook", { run: run.id }));
}
