import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** A step that is revised once and then approved, and a task for which a review is requested while it is at work. */
export async function reviewDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const crew = new Crew(app);
  await call("update_project", { project, config: { reviewers: "handle" } });
  await call("register_agent", { name: "critic", roles: ["code_reviewer"] });
  const review = { by: "code_reviewer", max_rounds: 2 };
  const steps = [
    { key: "write", review },
    { key: "paint", needs: ["write"] },
  ];
  const { run } = await crew.start(steps, { project });
  const first = await crew.take("ben", { run: run.id });
  await crew.complete(first, { pages: 1 });
  const seen = await crew.take("critic", { run: run.id });
  const findings = [{ severity: "major", where: "page 1", what: "It says nothing." }] as const;
  await call("submit_review", {
    agent: "critic",
    task: seen.id,
    token: seen.token,
    verdict: "revise",
    findings: [...findings],
  });
  const again = await crew.take("ben", { run: run.id });
  await crew.complete(again, { pages: 2 });
  const better = await crew.take("critic", { run: run.id });
  await call("submit_review", { agent: "critic", task: better.id, token: better.token, verdict: "approve" });
  await call("request_review", { agent: "ben", task: `${run.id}/paint`, reviewer_role: "code_reviewer" });
}
