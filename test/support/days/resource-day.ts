import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/**
 * A resource that one agent has and another waits for, until it is freed; tasks that require some of it, one after the other; and a run
 * that goes back to before it took some, and to what a milestone waits for.
 */
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
  await call("add_milestone", { project, name: "baked", tasks: [`${run.id}/bread`, `${run.id}/cake`] });
  const bread = await crew.take("baker", { run: run.id });
  await call("claim_task", { agent: "cook", run: run.id });
  await crew.complete(bread);
  const { checkpoint } = await call("create_checkpoint", { run: run.id });
  await crew.take("cook", { run: run.id });
  await call("resume_from_checkpoint", { checkpoint: checkpoint.id });
  await crew.complete(await crew.take("cook", { run: run.id }));
}
