import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** Windows that fill, compact themselves, are summed up by their agent, and go with a task to another agent. */
export async function contextDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  await call("register_agent", { name: "thinker" });
  const own = { agent: "ben", project } as const;
  const crew = new Crew(app);
  const { run } = await crew.start([{ key: "think" }], { project });
  const { id, token } = await crew.take("ben", { run: run.id });
  const said = "We decided to keep it. ".repeat(40);
  for (let n = 0; n < 8; n++)
    await call("add_context", { ...own, role: "user", content: `${n} ${said}`, max_tokens: 1_500, keep_recent: 1 });
  await call("add_context", { ...own, window: "long", role: "user", content: "x ".repeat(60_000), kind: "file" });
  await call("compact_context", { ...own, keep_recent: 1, summary: "It is kept." });
  await call("get_context", { ...own });
  await call("add_context", { ...own, window: "of-task", task: id, role: "user", content: said });
  const offer = { task: id, token, agent: "ben", to: "thinker", reason: "tired" };
  const { handoff } = await call("request_handoff", offer);
  await call("respond_handoff", { agent: "thinker", handoff: handoff.id, accept: true });
  await call("get_context", { agent: "thinker", project, window: "of-task" });
}
