import { collectDeliveries, registerTarget } from "../../src/engine/notifications/collecting.js";
import { settleDelivery, takeDelivery } from "../../src/engine/notifications/sending.js";
import type { TestApp } from "./servers/app.js";
import { Crew } from "./fixtures/plan.js";

/** Questions that are decided at once, later, by default, or that no task waits for any more. */
export async function escalationDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const crew = new Crew(app);
  const question = { agent: "ben", project, title: "May I?" } as const;
  const ask = async (type: "error_resolution" | "ambiguous_requirement") => {
    await call("create_task", { project, title: "Ask", prompt: "ask", priority: "critical" });
    const { id: task, token } = await crew.take("ben", { project, fresh: true });
    const { escalation } = await call("escalate", { ...question, task, token, type, blocking: true });
    return { id: escalation.id, task };
  };
  const open = await call("escalate", { ...question, type: "quality_concern", details: "why" });
  const decide = (id: string, condition: string) =>
    call("decide_escalation", { id, decision: "approved_with_conditions", conditions: [condition] });
  await call("decide_escalation", { id: open.escalation.id, decision: "deferred" });
  await decide(open.escalation.id, "once");
  const asked = [await ask("error_resolution"), await ask("ambiguous_requirement"), await ask("error_resolution")];
  await call("cancel_task", { task: asked[2]!.task });
  for (const ms of [300_000, 1_800_000, 3_600_000]) await app.advance(ms);
  await decide(asked[1]!.id, "twice");
  for (const { task } of asked.slice(0, 2)) await call("cancel_task", { task });
  await notificationDay(app, project);
}

const target = { id: "ops:000000000000", events: ["questions", "run.*"] };

/** A target is told of a question, what fails is tried again, and then discarded. */
async function notificationDay({ app, call }: TestApp, project: string): Promise<void> {
  const engine = await app.background("test");
  await engine.transact((ctx) => registerTarget(ctx, target));
  const question = { type: "security_review", title: "Stop?", priority: "critical" } as const;
  await call("escalate", { ...question, agent: "ben", project });
  await engine.transact((ctx) => collectDeliveries(ctx, target));
  for (const action of ["retry", "discard"] as const) {
    const taken = await engine.transact((ctx) => takeDelivery(ctx, target.id));
    if (taken === undefined) throw new Error("nothing is due");
    await engine.transact((ctx) => settleDelivery(ctx, taken, { ok: false, error: "answered 410", final: true }));
    await call("retry_delivery", { id: taken.id, action });
  }
}
