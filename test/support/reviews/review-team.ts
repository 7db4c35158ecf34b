import { type Backend, testRuntime } from "../databases/databases.js";
import { startApp, startAppOn } from "../servers/app.js";
import { Crew, type PlanHead, type Step } from "../fixtures/plan.js";

export const REVIEW_POLICY = { by: "reviewer", max_rounds: 2, criteria: ["errors are named"] };

export interface ReviewPlan {
  /** Fields of the reviewed step. */
  readonly step?: Partial<Step>;
  readonly more?: readonly Step[];
  readonly head?: PlanHead;
}

/** Starts a run with a reviewed step and one behind it; several handles of one connection are admitted as reviewers. */
export async function reviewTeam(backend: Backend, { step = {}, more = [], head = {} }: ReviewPlan = {}) {
  const runtime = testRuntime();
  const shared = { runtime, storeHooks: { now: () => runtime.clock.now() } };
  const crew = new Crew(await startAppOn(backend, shared));
  const { call } = crew.app;
  await call("create_project", { name: "demo", root: crew.app.cwd, config: { reviewers: "handle" } });
  const steps = [
    { key: "api", criteria: ["tests pass"], review: REVIEW_POLICY, ...step },
    { key: "ship", needs: ["api"] },
    ...more,
  ];
  const { run } = await crew.start(steps, { project: "demo", ...head });
  const task = `${run.id}/api`;
  const submit = async (agent: string, roles: readonly string[], verdict: Record<string, unknown>) => {
    await crew.take(agent, { run: run.id, roles: [...roles] });
    return call("submit_review", { task, agent, verdict: "approve", ...verdict });
  };
  const work = async (result: unknown = { done: true }) => {
    const held = await crew.take("ann", { run: run.id });
    return { held, completed: await crew.complete(held, result) };
  };
  const person = () => startApp({ ...shared, database: crew.app.database, channel: "human", agent: "eve" });
  return { crew, call, person, run: run.id, task, work, submit };
}
