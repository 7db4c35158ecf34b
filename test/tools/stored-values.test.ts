import { describe, expect, test } from "vitest";
import type { BatonError } from "../../src/base/errors.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { openCommandFixture } from "../support/fixtures/command-fixture.js";
import { Crew } from "../support/fixtures/plan.js";

const GIVEN = {
  patch: "-old\r\n+new\r\n",
  he: "שלום\u200f",
  esc: "\u001b[0m",
  override: "\u202eabc\u202c",
  tags: "\u{E0041}",
  "k\u0001ey": 1,
  key: 2,
};

function problemsOf(error: unknown): { code: string; paths: string[] } {
  const { code, details } = error as BatonError;
  return { code, paths: ((details?.["problems"] ?? []) as { path: string }[]).map(({ path }) => path) };
}

const refusalOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "it was taken",
    (error: unknown) => error,
  );

async function resultOf(app: TestApp, task: string): Promise<unknown> {
  return (await app.call("get_task", { task, include: ["result"] })).result;
}

describe.each(BACKENDS)("on %s", (backend) => {
  test("results, prompts, inputs and payloads come back exactly as they were given", async () => {
    const app = await startAppOn(backend);
    const crew = new Crew(app);
    const prompt = "fix\r\nthis \u001b[1m\u200f\u2028";
    const { run } = await crew.start(
      [
        { key: "a", prompt },
        { key: "w", kind: "wait", event: "go" },
      ],
      {
        inputs: { data: { type: "object" } },
        given: { data: GIVEN },
      },
    );
    expect(run.inputs).toEqual({ data: GIVEN });
    const claim = await crew.claim("worker", { run: run.id });
    expect(claim.task?.prompt).toBe(prompt);
    await crew.complete({ id: claim.task!.id, token: claim.lease!.token }, GIVEN);
    expect(await resultOf(app, claim.task!.id)).toEqual(GIVEN);
    const { delivered } = await app.call("signal", { run: run.id, event: "go", payload: GIVEN });
    expect(await resultOf(app, delivered[0]!.id)).toEqual({ event: "go", payload: GIVEN });
  });

  test("values that cannot be stored are refused with their places, and the task is still held", async () => {
    const app = await startAppOn(backend);
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }]);
    const held = await crew.take("worker", { run: run.id });
    const result = { patch: ["ok", "a\0b"], "k\0": 1, id: 2 ** 53, e: Infinity, half: "\udc00" };
    expect(problemsOf(await refusalOf(crew.complete(held, result)))).toEqual({
      code: "invalid_input",
      paths: ["result.patch[1]", "result.k\0", "result.id", "result.e", "result.half"],
    });
    await expect(app.call("acquire_file_lock", { paths: ["a\0b"] })).rejects.toMatchObject({ code: "invalid_input" });
    await crew.complete(held, { id: "9007199254740993" });
    expect(await resultOf(app, held.id)).toEqual({ id: "9007199254740993" });
  });

  test("a value that an expression gives and the store cannot keep ends its task alone", async () => {
    const app = await startAppOn(backend);
    const crew = new Crew(app);
    const grow = "steps.a.output.list.map(x, steps.a.output.list).map(x, steps.a.output.list)";
    const { run } = await crew.start([
      { key: "a" },
      { key: "nul", needs: ["a"], prompt: '${{ steps.a.output.ok + "\\u0000" }}', title: "t" },
      { key: "title", needs: ["a"], title: '${{ steps.a.output.ok + "\\u0000" }}' },
      { key: "exact", needs: ["a"], prompt: "${{ int(steps.a.output.big) * 10 }}" },
      { key: "huge", needs: ["a"], prompt: `\${{ ${grow} }}` },
      { key: "many", needs: ["a"], prompt: Array.from({ length: 8 }, () => "${{ steps.a.output.text }}").join(" ") },
      { key: "wide", needs: ["a"], for_each: `\${{ ${grow} }}`, prompt: "x" },
      { key: "fine", needs: ["a"], prompt: "${{ steps.a.output.text }}" },
    ]);
    const held = await crew.take("worker", { run: run.id });
    const text = "x".repeat(40_000);
    await crew.complete(held, {
      ok: "ok",
      big: 9_007_199_254_740_991,
      text,
      list: Array.from({ length: 100 }, () => "y".repeat(40)),
    });
    expect(await crew.statuses(run.id)).toEqual({
      a: "succeeded",
      nul: "dead_letter",
      title: "dead_letter",
      exact: "dead_letter",
      huge: "dead_letter",
      many: "dead_letter",
      wide: "dead_letter",
      fine: "ready",
    });
    const { dead_letters: letters } = await app.call("list_dead_letters", { run: run.id });
    const errors = Object.fromEntries(letters.map((letter) => [letter.task.key, letter.error.message]));
    expect(errors["nul"]).toContain("NUL");
    expect(errors["exact"]).toContain("write it as text");
    expect(errors["huge"]).toContain("more than 262144 bytes");
    expect(errors["many"]).toContain("together take more than 262144 bytes");
  });
});

test("every text of every operation passes the one check before anything else is looked at", async () => {
  const { callUnchecked: call } = await startApp({ channel: "human" });
  for (const operation of catalogue.all) {
    const { properties = {} } = catalogue.inputSchema(operation) as { properties?: Record<string, unknown> };
    for (const name of Object.keys(properties)) {
      const found = problemsOf(await refusalOf(call(operation.name, { [name]: { deep: ["a\0"] } })));
      expect(found, `${operation.name}.${name}`).toEqual({ code: "invalid_input", paths: [`${name}.deep[0]`] });
    }
  }
});

test("a command's result that the store cannot keep ends its task alone, with what it printed before", async () => {
  const fixture = await openCommandFixture();
  const print = (json: string) => `cat <<'JSON'\n${json}\nJSON`;
  const step = { output: { type: "object" }, retry: { max_attempts: 1 } };
  const { run } = await fixture.start([
    { key: "nul", ...step, run: print('{"a": "\\u0000"}') },
    { key: "big", ...step, run: print('{"id": 9007199254740993}') },
    { key: "far", ...step, run: print('{"e": 1e400}') },
    { key: "fine", ...step, run: print('{"a": "\\r\\n\\u001b[0m\\u200f"}') },
  ]);
  await fixture.ended(run);
  expect((await fixture.task(run, "fine")).result).toEqual({ a: "\r\n\u001b[0m\u200f" });
  const said = async (key: string) => (await fixture.task(run, key)).attempts[0]?.error;
  expect(await said("nul")).toMatchObject({
    type: "invalid_output",
    message: expect.stringContaining("NUL") as string,
  });
  expect((await said("big"))?.message).toContain("result.id: is a number beyond 9007199254740991");
  expect((await said("far"))?.message).toContain("result.e");
});

test("definitions in YAML and JSON text are checked like any input", async () => {
  const { call } = await startApp();
  const step = (text: string) => `name: w\nsteps:\n  - {key: a, prompt: ${text}}\n`;
  const problems = async (yaml: string) => (await call("validate_workflow", { yaml })).problems;
  expect(await problems(step('"a\\0b"'))).toMatchObject([
    { path: "steps[0].prompt", message: expect.stringContaining("NUL") as string },
  ]);
  expect(
    await problems("name: w\ninputs: {n: {type: number, default: 9007199254740993}}\nsteps: [{key: a, prompt: b}]"),
  ).toMatchObject([{ path: "inputs.n.default", message: expect.stringContaining("write it as text") as string }]);
  expect(await problems(step('"a\\e[0m\\r\\u200f"'))).toEqual([]);
});
