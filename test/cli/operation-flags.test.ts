import { expect, test } from "vitest";
import { type InputSchema, parseOperationFlags, WHOLE } from "../../src/cli/operation-flags.js";
import { parameterMeant } from "../../src/dispatch/input/foreign-names.js";
import { catalogue } from "../../src/tools/registry.js";

const SHARED = ["json", "db", "database_url", "log_level", "help", WHOLE];

function parse(operation: string, ...args: string[]): Record<string, unknown> {
  const found = catalogue.require(operation);
  const schema = catalogue.inputSchema(found) as InputSchema;
  const meant = (key: string) => parameterMeant(found, key);
  return parseOperationFlags(args, { schema, stdin: () => '{"title":"from stdin"}', meant });
}

test.each(catalogue.all.map((operation) => [operation.name, operation] as const))(
  "%s has no parameter that a shared option would take",
  (_, operation) => {
    const { properties = {} } = catalogue.inputSchema(operation) as InputSchema;
    expect(Object.keys(properties).filter((name) => SHARED.includes(name))).toEqual([]);
  },
);

test("a flag under another system's name is the parameter that it means", () => {
  expect(parse("create_task", "--needs", "a", "--needs=b", "--description", "p")).toEqual({
    dependencies: ["a", "b"],
    prompt: "p",
  });
  expect(() => parse("create_task", "--nedes", "a")).toThrow(/Unknown parameter --nedes/);
  expect(() => parse("wait_for", "--timeout", "1")).toThrow(/--timeout \(did you mean "--timeout-seconds"\?\)/);
});

test("each value is read as its parameter's schema says", () => {
  expect(parse("fail_task", "--task", "7", "--token", "7", '--error={"type":"x"}', "--no-retryable")).toEqual({
    task: "7",
    token: 7,
    error: { type: "x" },
    retryable: false,
  });
  expect(parse("acquire_file_lock", "--paths", "a", "--paths", "b c", "--wait-seconds", "1.5")).toEqual({
    paths: ["a", "b c"],
    wait_seconds: 1.5,
  });
  expect(parse("acquire_file_lock", "--paths", '["a"]')).toEqual({ paths: ["a"] });
  expect(parse("create_task", "--deadline", "2h")).toEqual({ deadline: "2h" });
  expect(parse("create_task", "--deadline", "7200000")).toEqual({ deadline: 7_200_000 });
});

test("a result is JSON where it is some, else the text", () => {
  expect(parse("complete_task", "--result", '{"a":[1]}')).toEqual({ result: { a: [1] } });
  expect(parse("complete_task", "--result", "all done")).toEqual({ result: "all done" });
});

test("a switch takes a value only where it is true or false", () => {
  expect(parse("fail_task", "--retryable", "--task", "t")).toEqual({ retryable: true, task: "t" });
  expect(parse("fail_task", "--retryable", "false", "--task", "t")).toEqual({ retryable: false, task: "t" });
});

test("a text may look like anything but a flag, which = lets through too", () => {
  expect(parse("create_task", "--title", "-x", "--prompt=--dry-run")).toEqual({ title: "-x", prompt: "--dry-run" });
});

test("the whole input comes as JSON, and single flags change it", () => {
  expect(parse("create_task", "--json-input", '{"title":"a","prompt":"b"}', "--title", "c")).toEqual({
    title: "c",
    prompt: "b",
  });
  expect(parse("create_task", "--json-input", "-")).toEqual({ title: "from stdin" });
});

test("a number that is none goes on as it is, so that dispatch words the refusal", () => {
  expect(parse("fail_task", "--token", "seven")).toEqual({ token: "seven" });
});

test.each([
  [["--titel", "x"], 'Unknown parameter --titel (did you mean "--title"?)'],
  [["--title"], "--title needs a value"],
  [["--title", "a", "--title", "b"], "--title is given twice"],
  [["--files", "a.ts"], "--files takes JSON"],
  [["--json-input", "[]"], "one JSON object"],
])("%j is refused", (args, said) => {
  expect(() => parse("create_task", ...args)).toThrow(said);
});
