import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** Tasks and agents in each other's way, until they are not any more. */
export async function conflictDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const crew = new Crew(app);
  const files = { write: ["clash/**"] };
  const { run } = await crew.start(
    [
      { key: "left", files },
      { key: "right", files },
    ],
    { project },
  );
  await crew.take("lefty", { run: run.id });
  await crew.claim("righty", { run: run.id });
  await call("detect_conflicts", { run: run.id });
  await call("set_conflict_strategy", { strategy: "prioritize_critical", scope: "lock_contention" });
  await call("modify_run", { run: run.id, changes: [{ op: "reprioritize", tasks: ["right"], priority: "critical" }] });
  await call("resolve_conflicts", { all: true, run: run.id });
  await app.advance(30_000);
  await call("detect_conflicts", { project });
  await call("detect_conflicts", { project });
  await call("list_conflicts", { run: run.id });
  await crew.complete(await crew.take("righty", { run: run.id }));
  await app.advance(60_000);
  await call("cancel_task", { task: `${run.id}/left` });
}
