import type { TestClient } from "../support/servers/client.js";

interface Held {
  readonly task: string;
  readonly token: number;
}

let holders = 0;

/** Makes a task of its own and claims it. */
async function held({ call, project }: Target, output?: Record<string, unknown>): Promise<Held> {
  const role = `attacker-${++holders}`;
  const task = { project, title: "t", prompt: "p", role, ...(output && { output }) };
  const made = await call("create_task", task);
  const { lease } = await call("claim_task", { project, roles: [role], fresh: true, agent: `holder-${role}` });
  return { task: made.task.id, token: lease!.token };
}

/** The attacker's connection, and the project that it shares with others. */
export interface Target extends TestClient {
  readonly project: string;
}

export type Attack = (target: Target) => Promise<unknown>;

function startOf(definition: Readonly<Record<string, unknown>>): Attack {
  return ({ callUnchecked, project }) => callUnchecked("execute_workflow", { definition, project });
}

function validationOf(definition: unknown): Attack {
  return ({ callUnchecked, project }) => callUnchecked("validate_workflow", { definition, project });
}

/** A call of a result that is stored, and so looked through. */
function resultOf(result: unknown, output?: Record<string, unknown>): Attack {
  return async (attacker) => {
    const by = await held(attacker, output);
    return attacker.callUnchecked("complete_task", { ...by, result });
  };
}

function lockOf(paths: readonly string[]): Attack {
  return ({ callUnchecked, project }) => callUnchecked("acquire_file_lock", { project, paths, mode: "shared" });
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const filled = (text: string): string => text.repeat(Math.ceil(250_000 / text.length)).slice(0, 250_000);

/** Inputs that take long to read, to compare or to evaluate, one of each class; `npm test` tries these. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
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
  "12,000 values against an enum of as many": resultOf(
    numbers(12_000).map((n) => `value-${n}x`),
    { type: "array", items: { enum: numbers(12_000).map((n) => `value-${n}`) } },
  ),
  "a result against 5,000 forms": resultOf(numbers(40_000), {
    type: "array",
    items: { anyOf: numbers(5_000).map((n) => ({ type: "integer", minimum: n + 10_000 })) },
  }),
  "the beginning of a secret, repeated": resultOf("eyJaaaaaaaa-".repeat(20_000)),
  "2,000 globs that all may meet": async ({ callUnchecked, project }) => {
    const paths = (call: number) => numbers(1_000).map((n) => `src/*${call}-${n}*/**/x*.ts`);
    const shared = { project, mode: "shared" };
    await callUnchecked("acquire_file_lock", { ...shared, paths: paths(0), agent: "one" });
    return callUnchecked("acquire_file_lock", { ...shared, paths: paths(1), agent: "another" });
  },
};

const SECRET_STARTS = [
  "sk_live_",
  "ghp_",
  "AKIA",
  "xoxb-",
  "hf_",
  "npm_",
  "pypi-",
  "-----BEGIN PRIVATE KEY-----",
  "Authorization: Basic ",
  "DB_PASSWORD=",
  "--password ",
  "https://a:",
  "eyJhbGciOi.",
  "AccountKey=",
  "_authToken=",
];

const STEP = { key: "a", prompt: "p" };

/** Neighbours of the same classes, which the long tests try. */
export const NEIGHBOURS: Readonly<Record<string, Attack>> = {
  // Slow inputs.
  "a match of a regular expression that backtracks": startOf({
    name: "regex",
    steps: [{ ...STEP, prompt: `\${{ "${"a".repeat(1_000)}!".matches("(a+)+$") }}` }],
  }),
  "lists that grow by each other": startOf({
    name: "lists",
    inputs: { n: { type: "array", default: numbers(2_000) } },
    steps: numbers(100).map((n) => ({
      key: `s${n}`,
      prompt: "${{ inputs.n.map(a, inputs.n.map(b, a + b)).size() }}",
    })),
  }),
  "a text joined to itself": startOf({
    name: "joined",
    inputs: { n: { type: "string", default: "x".repeat(10_000) } },
    steps: [{ ...STEP, prompt: `\${{ ${"inputs.n + ".repeat(150)}"" }}` }],
  }),
  "YAML whose aliases double": validationOf(
    `name: w\na0: &a0 [x, x]\n${numbers(25)
      .map((n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)
      .join("\n")}\nsteps: *a25`,
  ),
  "YAML with 200,000 opened brackets": validationOf("[".repeat(200_000)),
  "YAML with 1,500 levels of indentation": validationOf(
    numbers(1_500)
      .map((n) => `${" ".repeat(n)}a:`)
      .join("\n"),
  ),
  "JSON nested 100,000 levels": validationOf(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`),
  "1,200 steps that each need all before them": startOf({
    name: "dense",
    steps: numbers(1_200).map((n) => ({ key: `s${n}`, prompt: "p", needs: numbers(n).map((m) => `s${m}`) })),
  }),
  "440 steps that each need all before them, just within the limit": startOf({
    name: "within",
    steps: numbers(440).map((n) => ({ key: `s${n}`, prompt: "p", needs: numbers(n).map((m) => `s${m}`) })),
  }),
  "3,000 names that are nearly right": validationOf({
    name: "hints",
    steps: numbers(3_000).map((n) => ({ key: `step-${n}`, prompt: "p", needs: [`stepp-${n}x`] })),
  }),
  "50,000 unknown keys": validationOf({
    name: "keys",
    steps: [{ ...STEP, ...Object.fromEntries(numbers(50_000).map((n) => [`promt${n}`, n])) }],
  }),
  "unique items, 20,000 of them": resultOf(
    numbers(20_000).map((n) => ({ n })),
    { type: "array", uniqueItems: true },
  ),
  "a definition of 9,000 steps": startOf({
    name: "many",
    steps: numbers(9_000).map((n) => ({ key: `s${n}`, prompt: "p" })),
  }),
  // Big answers.
  "answers of the largest lists": async ({ callUnchecked, project }) => {
    const prompt = "x".repeat(200_000);
    const steps = numbers(60).map((n) => ({ key: `s${n}`, prompt }));
    const { run } = (await callUnchecked("execute_workflow", { definition: { name: "big", steps }, project })) as {
      run: { id: string };
    };
    for (const name of ["get_run", "list_tasks", "list_events"])
      await callUnchecked("query_operation", {
        name,
        arguments: { run: run.id, ...(name !== "get_run" && { limit: 200 }) },
      });
  },
  // Odd candidates.
  "a claim of a step whose globs meet 20,000 locks": async ({ callUnchecked, project }) => {
    const paths = (call: number) => numbers(1_000).map((n) => `src/${call}/${n}.ts`);
    for (const call of numbers(10))
      await callUnchecked("acquire_file_lock", { project, paths: paths(call), mode: "shared", agent: `a${call}` });
    const files = { write: numbers(11).map((n) => `src/**/*${n}.ts`) };
    await callUnchecked("create_task", { project, title: "t", prompt: "p", role: "odd", files });
    return callUnchecked("claim_task", { project, roles: ["odd"], agent: "odd" });
  },
  "40 requests that wait for the same 500 paths": async ({ callUnchecked, project }) => {
    const paths = numbers(500).map((n) => `f${n}`);
    await callUnchecked("acquire_file_lock", { project, paths, agent: "holder" });
    const wait = (n: number) =>
      callUnchecked("acquire_file_lock", { project, paths, agent: `w${n}`, wait_seconds: 0.5 });
    await Promise.allSettled(numbers(40).map(wait));
  },
  "300 agents that share one file, and one that wants it alone": async ({ callUnchecked, project }) => {
    const share = (n: number) =>
      callUnchecked("acquire_file_lock", { project, paths: ["f"], mode: "shared", agent: `s${n}` });
    await Promise.all(numbers(300).map(share));
    return callUnchecked("acquire_file_lock", { project, paths: ["**"], agent: "alone" });
  },
  // Text tricks.
  "marks without end on one letter": resultOf(`a${"\u0300".repeat(120_000)}`),
  "turned and hidden characters": resultOf(filled("\u202e\u200b\u{e0041}").slice(0, 80_000)),
  "flags that never end": resultOf("\u{1f3f4}\u{e0067}\u{e0062}".repeat(20_000)),
  "lines without end": resultOf("\n".repeat(250_000)),
  "blanks before line ends": resultOf(filled(`${" ".repeat(5_000)}x`)),
  "keys without end": resultOf(Object.fromEntries(numbers(25_000).map((n) => [`key${n}`, n]))),
  // Path tricks.
  "paths of 2,000 segments": lockOf(numbers(500).map((n) => `${"a/".repeat(1_900)}${n}`)),
  "globs of many double stars": lockOf(numbers(500).map((n) => `${"**/a/".repeat(60)}${n}`)),
  "braces in braces": lockOf(["{a,b}".repeat(30), "{".repeat(3_000)]),
  "paths that climb": lockOf(numbers(1_000).map((n) => `${"../".repeat(300)}${"a/".repeat(300)}${n}`)),
  "extended globs": lockOf(["+(a|aa)".repeat(200), "!(a)".repeat(500)]),
  // Config tricks.
  "50,000 settings that are none": ({ callUnchecked }) =>
    callUnchecked("configure", { settings: Object.fromEntries(numbers(50_000).map((n) => [`lease_m${n}`, n])) }),
  "50,000 keys of a project that are none": ({ callUnchecked, project }) =>
    callUnchecked("update_project", {
      project,
      config: Object.fromEntries(numbers(50_000).map((n) => [`worktree${n}`, n])),
    }),
  "a cursor of a megabyte": ({ callUnchecked }) =>
    callUnchecked("query_operation", { name: "list_runs", arguments: { cursor: "x".repeat(1_000_000) } }),
  // Redaction bombs.
  ...Object.fromEntries(SECRET_STARTS.map((start) => [`${start.trim()}, repeated`, resultOf(filled(start))])),
  ...Object.fromEntries(
    SECRET_STARTS.map((start) => [`${start.trim()} and no end`, resultOf(filled(`${start}${"a".repeat(300)}`))]),
  ),
};
