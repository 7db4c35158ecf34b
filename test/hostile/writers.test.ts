import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { bestOfFew } from "../support/in-time.js";
import { connectClient, type TestClient } from "../support/servers/client.js";

interface Held {
  readonly task: string;
  readonly token: number;
}

/** Makes a task of its own and claims it. */
async function held({ call }: TestClient, output?: Record<string, unknown>): Promise<Held> {
  const { task } = await call("create_task", {
    project: "p",
    title: "t",
    prompt: "p",
    role: "attacker",
    ...(output && { output }),
  });
  const { lease } = await call("claim_task", {
    project: "p",
    roles: ["attacker"],
    fresh: true,
    agent: `holder-of-${task.id}`,
  });
  return { task: task.id, token: lease!.token };
}

function startOf(definition: Readonly<Record<string, unknown>>): (attacker: TestClient) => Promise<unknown> {
  return ({ callUnchecked }) => callUnchecked("execute_workflow", { definition, project: "p" });
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Inputs that take long to read, to compare or to evaluate. */
const ATTACKS: Readonly<Record<string, (attacker: TestClient) => Promise<unknown>>> = {
  "an expression that doubles its work 15 times": startOf({
    name: "doubling",
    steps: [{ key: "a", prompt: `\${{ ${numbers(15).reduce<string>((inner) => `[1, 2].map(x, ${inner})`, "1")} }}` }],
  }),
  "400 slow conditions": startOf({
    name: "slow",
    inputs: { n: { type: "array", default: numbers(60) } },
    steps: numbers(400).map((n) => ({
      key: `s${n}`,
      prompt: "p",
      if: `inputs.n.exists(a, inputs.n.exists(b, inputs.n.exists(c, a + b + c == ${1_000 + n})))`,
    })),
  }),
  "30,000 openings of an expression": startOf({ name: "open", steps: [{ key: "a", prompt: "${{ ".repeat(30_000) }] }),
  "12,000 values against an enum of as many": async (attacker) => {
    const values = numbers(12_000).map((n) => `value-${n}`);
    const by = await held(attacker, { type: "array", items: { enum: values } });
    return attacker.callUnchecked("complete_task", { ...by, result: values.map((value) => `${value}x`) });
  },
  "a result against 5,000 forms": async (attacker) => {
    const by = await held(attacker, {
      type: "array",
      items: { anyOf: numbers(5_000).map((n) => ({ type: "integer", minimum: n + 10_000 })) },
    });
    return attacker.callUnchecked("complete_task", { ...by, result: numbers(40_000) });
  },
  "the beginning of a secret, repeated": async (attacker) => {
    const by = await held(attacker);
    return attacker.callUnchecked("complete_task", { ...by, result: "eyJaaaaaaaa-".repeat(20_000) });
  },
  "2,000 globs that all may meet": async ({ callUnchecked }) => {
    const paths = (call: number) => numbers(1_000).map((n) => `src/*${call}-${n}*/**/x*.ts`);
    const shared = { project: "p", mode: "shared" };
    await callUnchecked("acquire_file_lock", { ...shared, paths: paths(0), agent: "one" });
    return callUnchecked("acquire_file_lock", { ...shared, paths: paths(1), agent: "another" });
  },
};

describe.each(BACKENDS)("a second process on %s writes within a second", (backend) => {
  test.each(Object.keys(ATTACKS))("beside %s", async (name) => {
    const { location } = await createDatabase(backend);
    const cwd = temporaryDirectory();
    const attacker = await connectClient({ database: location, cwd });
    const other = await connectClient({ database: location, cwd });
    const write = () => other.call("create_task", { project: "p", title: "t", prompt: "p", role: "other" });
    await attacker.call("create_project", { name: "p", root: cwd });
    await write();
    await bestOfFew(async (inTime) => {
      const attack = { ended: false, failure: "" };
      const attacked = ATTACKS[name]!(attacker)
        .catch((error: unknown) => (attack.failure = String(error)))
        .finally(() => (attack.ended = true));
      do {
        const from = performance.now();
        await write();
        inTime(1_000, from);
      } while (!attack.ended);
      await attacked;
      // It is refused by name or carried out: none of them breaks the server.
      expect(attack.failure).not.toMatch(/internal|unavailable/);
    });
  });
});
