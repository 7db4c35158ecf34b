import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** An agent with too much kept for it, another with nothing to do, and what evens that out. */
export async function routingDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const crew = new Crew(app);
  for (const name of ["busy", "free"]) await call("register_agent", { name });
  const { run } = await crew.start([{ key: "one" }, { key: "two" }], { project });
  for (const key of ["one", "two"]) await call("assign_task", { task: `${run.id}/${key}`, agent: "busy" });
  await call("get_workload", {});
  await call("get_metrics", {});
  await call("get_metrics", { format: "prometheus" });
  await call("route_task", { task: `${run.id}/one`, strategy: "performance", creativity: 0.5 });
  await call("route_task", { task: `${run.id}/one`, candidates: ["busy"], dry_run: false });
  await call("optimize_load", { run: run.id });
  for (const key of ["one", "two"]) await call("cancel_task", { task: `${run.id}/${key}` });
}
