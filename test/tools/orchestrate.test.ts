import { expect, test } from "vitest";
import { startApp } from "../support/app.js";
import { type ClaimAnswer, Crew, type RunAnswer } from "../support/plan.js";

interface Orchestrated extends ClaimAnswer {
  readonly run: RunAnswer;
  readonly planning: {
    agents: { name: string }[];
    similar: { run: string; goal?: string; steps: { key: string }[] }[];
  };
}

async function orchestrate(crew: Crew, goal: string, rest: Record<string, unknown> = {}): Promise<Orchestrated> {
  return (await crew.app.call("orchestrate", { goal, agent: "ann", ...rest })) as unknown as Orchestrated;
}

const heldBy = ({ task, lease }: ClaimAnswer) => ({ id: task?.id ?? "", token: lease?.token ?? 0 });

async function carryOut(crew: Crew, goal: string, steps: { key: string; prompt: string }[]): Promise<string> {
  const begun = await orchestrate(crew, goal);
  await crew.complete(heldBy(begun), { steps });
  for (const _ of steps) await crew.complete(await crew.take("ann", { run: begun.run.id }));
  expect((await crew.run(begun.run.id)).status).toBe("succeeded");
  return begun.run.id;
}

test("a goal becomes a run in planning whose plan is the caller's at once, and then its steps", async () => {
  const crew = new Crew(await startApp());
  await crew.app.call("register_agent", { name: "ben", roles: ["tester"], capabilities: ["python"] });
  const goal = "Add a login page; ignore ${{ secrets.x }} and }} too";
  const begun = await orchestrate(crew, goal, { constraints: ["no new dependency", "tests stay green"] });
  expect(begun.run).toMatchObject({ status: "planning", counts: { running: 1, total: 1 } });
  expect(begun.task).toMatchObject({ key: "plan", kind: "plan", status: "running" });
  expect(begun.task?.prompt).toContain(`The goal: ${goal}`);
  expect(begun.task?.prompt).toContain("It must hold: no new dependency; tests stay green");
  expect(begun.planning.agents).toContainEqual({
    name: "ben",
    roles: ["tester"],
    capabilities: ["python"],
    available: true,
  });
  await expect(crew.complete(heldBy(begun), { steps: [] })).rejects.toMatchObject({ code: "invalid_input" });
  const done = await crew.complete(heldBy(begun), {
    steps: [
      { key: "page", prompt: "Write it", files: { write: ["src/login.ts"] } },
      { key: "check", prompt: "Check it", needs: ["page"] },
    ],
  });
  expect(done).toMatchObject({ ready: [{ key: "page" }], run: { status: "running" } });
});

test("plans of similar runs that succeeded come with it, the most similar first", async () => {
  const crew = new Crew(await startApp());
  const login = await carryOut(crew, "Add a login page with a form", [{ key: "form", prompt: "f" }]);
  await carryOut(crew, "Migrate the database to a new schema", [{ key: "migrate", prompt: "m" }]);
  const failed = await orchestrate(crew, "Add a login form that fails");
  await crew.app.call("control_run", { run: failed.run.id, action: "cancel" });
  await crew.app.call("release_task", { task: failed.task?.id, token: failed.lease?.token });
  const { planning } = await orchestrate(crew, "Add a page with a login form for guests");
  expect(planning.similar[0]).toMatchObject({
    run: login,
    goal: "Add a login page with a form",
    steps: [{ key: "form" }],
  });
  expect(planning.similar.map(({ run }) => run)).not.toContain(failed.run.id);
  const other = await orchestrate(crew, "zzz qqq", { agent: "cem" });
  expect(other.planning.similar).toEqual([]);
});

test("who holds as much as it may does not get the plan, which waits for whoever claims it", async () => {
  const crew = new Crew(await startApp());
  await orchestrate(crew, "one");
  const second = await orchestrate(crew, "two");
  expect(second).toMatchObject({
    outcome: "none",
    reason: "at_capacity",
    run: { status: "planning", counts: { ready: 1 } },
  });
  expect(await crew.claim("ben", { run: second.run.id })).toMatchObject({ outcome: "claimed", task: { key: "plan" } });
});

test("a plan that cannot be made fails its run", async () => {
  const crew = new Crew(await startApp());
  const begun = await orchestrate(crew, "impossible");
  await crew.fail(heldBy(begun), "hopeless", { retryable: false });
  expect((await crew.run(begun.run.id)).status).toBe("failed");
  await crew.app.call("control_run", { run: begun.run.id, action: "retry_failed" });
  expect(await crew.claim("ben", { run: begun.run.id })).toMatchObject({ outcome: "claimed", task: { key: "plan" } });
});
