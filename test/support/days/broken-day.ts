import { Crew } from "../fixtures/plan.js";
import type { TestApp } from "../servers/app.js";

/** An agent that keeps failing while another works: it is turned away, fails its trial, and is let in again. */
export async function brokenDay(app: TestApp, project: string): Promise<void> {
  const { call } = app;
  const crew = new Crew(app);
  const steps = Array.from({ length: 8 }, (_, n) => ({ key: `brittle-${n}`, retry: { max_attempts: 1 } }));
  const { run } = await crew.start(steps, { project });
  const where = { run: run.id };
  await crew.complete(await crew.take("ben", where));
  for (let n = 0; n < 5; n++) await crew.fail(await crew.take("clumsy", where));
  const { reason } = await crew.claim("clumsy", where);
  if (reason !== "breaker_open") throw new Error(`clumsy is told ${reason}`);
  await call("report_failure", { type: "agent_unresponsive", severity: "high", agent: "clumsy" });
  await call("reset_circuit_breaker", { target: "clumsy" });
  await crew.fail(await crew.take("clumsy", where));
  await crew.complete(await crew.take("clumsy", where));
}
