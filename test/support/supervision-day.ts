import type { TestApp } from "./servers/app.js";

/** Approvals that are decided, asked for again, and void by a newer version. */
export async function supervisionDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const put = (content: string) => call("put_artifact", { agent: "ben", project, name: "plan.md", content });
  const request = (approver_role = "tech_lead") =>
    call("request_approval", { agent: "ben", project, artifact: "plan.md", approver_role });
  await put("# One");
  const first = await request();
  await request();
  await put("# Two");
  const second = await request();
  await call("validate_artifact", { agent: "ben", project, artifact: "plan.md" });
  for (const { approval } of [second, await request("human")])
    await call("decide_approval", {
      approval: approval.id,
      decision: "approved_with_conditions",
      conditions: ["soon"],
    });
  await call("get_supervision", { project });
  const definition = { name: "judged", steps: [{ key: "make", prompt: "make" }] };
  const { run } = await call("execute_workflow", { project, definition });
  const made = { agent: "ben", run: run.id, name: "design.md", type: "architecture", content: "# Design" };
  const { artifact } = await call("put_artifact", made);
  await call("validate_artifact", { agent: "ben", artifact: artifact.id, judge: true });
  await call("control_run", { run: run.id, action: "cancel" });
  if (first.approval.id === second.approval.id) throw new Error("a newer version has an approval of its own");
}
