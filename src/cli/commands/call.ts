import { BatonError, type NextCall } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { hint, RUN_ID } from "../../base/names.js";
import { parameterMeant } from "../../dispatch/input/foreign-names.js";
import type { Operation, OperationIndex } from "../../dispatch/operation.js";
import { renderResult } from "../../dispatch/render.js";
import type { CommandAnswer, CommandContext } from "../command.js";
import { EXIT, shellLine, UsageError } from "../failure.js";
import { findRun } from "../run/run-reference.js";
import type { TypedCall } from "../typed-calls.js";
import { type FlagSchema, form, type InputSchema, parseOperationFlags } from "../operation-flags.js";

/** Outcomes of a lock that was not granted: a script that goes on after it would write another agent's file. */
const REFUSALS: ReadonlySet<unknown> = new Set(["denied", "queued", "deadlock"]);

/** `baton call NAME --key value …`: any operation, by its name or an alias. */
export async function call(context: CommandContext, args: readonly string[]): Promise<CommandAnswer> {
  const { catalogue } = await import("../../tools/registry.js");
  const { asPerson, stdin, end } = context;
  const [name, ...flags] = args;
  if (name === undefined || name === "--help" || name === "-h") return list(catalogue);
  const operation = catalogue.find(name);
  if (operation === undefined) throw unknown(name, catalogue);
  const schema = catalogue.inputSchema(operation) as InputSchema;
  if (flags.includes("--help") || flags.includes("-h")) return explain(operation, schema);
  const given = parseOperationFlags(flags, { schema, stdin, meant: (key) => parameterMeant(operation, key) });
  const input = await withRunIds(context.call, given);
  // A person at a terminal sees that the call waits, so the longer bound applies.
  const { result } = await asPerson(async (opened) =>
    (await opened.dispatch()).call(name, input, { progress: () => undefined }),
  );
  if (REFUSALS.has(result["outcome"])) end(EXIT.failed);
  return { data: result, text: withShellLines(result) };
}

/** Runs that a person names, alone or before a step's key, by their ids: operations take nothing else. */
async function withRunIds(typed: TypedCall, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { run, task } = input;
  const [of, ...key] = typeof task === "string" ? task.split("/") : [];
  return {
    ...input,
    ...(typeof run === "string" && { run: await runId(typed, run) }),
    ...(of !== undefined && key.length > 0 && { task: [await runId(typed, of), ...key].join("/") }),
  };
}

/** The id of a run; the reference itself where there is no such run, which the operation then says. */
async function runId(typed: TypedCall, reference: string): Promise<string> {
  if (RUN_ID.test(reference)) return reference;
  try {
    return (await findRun(typed, reference)).id;
  } catch (error) {
    if (error instanceof BatonError && error.code === "not_found") return reference;
    throw error;
  }
}

/** The result in words, its next calls as a person would type them. */
function withShellLines(result: Readonly<Record<string, unknown>>): string {
  const { next, ...rest } = result;
  if (!Array.isArray(next) || !next.every(isCall)) return renderResult(result, TEXT_BYTES_MAX).text;
  const lines = next.map((one) => `  ${shellLine(one)}`);
  return [renderResult(rest, TEXT_BYTES_MAX).text.trimEnd(), "next:", ...lines].join("\n");
}

function isCall(value: unknown): value is NextCall {
  return isObject(value) && typeof value["tool"] === "string" && isObject(value["arguments"]);
}

function unknown(name: string, { all }: OperationIndex): UsageError {
  const names = all.flatMap(({ name: one, aliases = [] }) => [one, ...aliases]);
  return new UsageError(`Unknown operation ${name}${hint(name, names)}. \`baton call --help\` lists them.`);
}

/** A person can scroll: far more than a model is given. */
const TEXT_BYTES_MAX = 1_000_000;

function list({ all }: OperationIndex): CommandAnswer {
  const data = all.map(({ name, title, area, effect, aliases = [] }) => ({ name, title, area, effect, aliases }));
  const width = Math.max(...all.map(({ name }) => name.length));
  const areas = [...new Set(all.map(({ area }) => area))];
  const text = areas.map((area) => {
    const lines = all.filter((one) => one.area === area).map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`);
    return [area, ...lines].join("\n");
  });
  const usage = "Usage: baton call OPERATION --key value …   (baton call OPERATION --help lists the keys)";
  return { data: { operations: data }, text: [usage, ...text].join("\n\n") };
}

function explain({ name, description, effect, aliases = [] }: Operation, schema: InputSchema): CommandAnswer {
  const entries = Object.entries(schema.properties ?? {});
  const flags = entries.map(
    ([key, property]) => [`--${key.replaceAll("_", "-")} ${form(property)}`.trimEnd(), property, key] as const,
  );
  const width = Math.max(0, ...flags.map(([flag]) => flag.length));
  const lines = flags.map(([flag, property, key]) => {
    return `  ${flag.padEnd(width)}  ${noteOf(property, schema.required?.includes(key) === true)}`.trimEnd();
  });
  const text = [
    `Usage: baton call ${name} ${flags.length === 0 ? "" : "--key value …"}`.trimEnd(),
    `${description}\nIt ${effect === "read" ? "only reads" : effect === "write" ? "changes data" : "changes data and may delete some"}.`,
    ...(aliases.length === 0 ? [] : [`Also called ${aliases.join(", ")}.`]),
    ...(lines.length === 0 ? [] : [lines.join("\n")]),
    "  --json-input JSON|-   all of them as one object, or as read from stdin",
  ];
  return { data: { name, description, effect, aliases, input: schema }, text: text.join("\n\n") };
}

function noteOf({ description, default: preset }: FlagSchema, required: boolean): string {
  const parts = [
    required ? "Required." : "",
    description ?? "",
    preset === undefined ? "" : `Default: ${JSON.stringify(preset)}.`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}
