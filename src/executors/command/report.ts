import { MEMORY_EXCEEDED, usageOf } from "../../engine/usage/consumption.js";
import { rounded } from "../../base/numbers/rounding.js";
import type { Report, TimeLimit } from "../loop/attempt.js";
import type { TestReport } from "./test-report.js";
import { asksForText, lastJson, mayBeText, outputText } from "./result.js";
import { tailText } from "../processes/output.js";
import { type CommandResult, TAIL_BYTES } from "../processes/process.js";

/** The facts of a command's end that are stored in the database. */
export interface StoredCommandResult {
  readonly exit_code?: number;
  /** Of stdout and stderr together; the whole, as far as it was kept, is in the file. */
  readonly output_tail: string;
  /** Where the output holds a report of tests. The tail is short then. */
  readonly tests?: TestReport;
  /** On the machine that ran the command. */
  readonly output_file: string;
  readonly output_bytes: number;
  /** The file lacks some of them. */
  readonly truncated: boolean;
  readonly output_error?: string;
  /** Processes that could not be ended. */
  readonly left_running?: readonly number[];
}

export interface CommandExecution {
  readonly outputFile: string;
  /** The report of a command that the first timeout ends. */
  readonly timeout: TimeLimit["report"];
  /** The step's output schema, which asks for a result of its own from stdout: `resultOf`. */
  readonly output: unknown;
  readonly tests?: TestReport | undefined;
}

/** The end of a command, in words and with what it has taken: exit code 0 is success, everything else an error type of its own. */
export function reportOf(result: CommandResult, execution: CommandExecution): Report {
  const usage = usageOf({ ...result, cores: coresOf(result) });
  const withUsage = (report: Report): Report => {
    if (report.kind === "release") return report;
    return report.kind === "fail"
      ? { ...report, usage }
      : { ...report, usage, unfit: (message) => withUsage(report.unfit(message)) };
  };
  return withUsage(endOfCommand(result, execution));
}

/** The clock of processor time is too coarse for shorter commands. */
const CORES_OVER_MS_MIN = 1_000;

function coresOf({ cpuMs, durationMs }: CommandResult): number | undefined {
  return cpuMs === undefined ? undefined : cpuMs / Math.max(CORES_OVER_MS_MIN, durationMs);
}

function endOfCommand(result: CommandResult, execution: CommandExecution): Report {
  const facts = factsOf(result, execution);
  const fail = (type: string, message: string): Report => ({ kind: "fail", error: { type, message }, partial: facts });
  switch (result.outcome) {
    case "exited":
      if (result.code === 0) return completion(result, { execution, facts });
      return fail(`exit_${result.code}`, `the command ended with exit code ${result.code}${endOf(facts)}`);
    case "signalled":
      return fail(`signal_${result.signal}`, `the command was ended by ${result.signal}${endOf(facts)}`);
    case "timed_out":
      return timedOut(execution.timeout, facts);
    case "over_memory":
      return fail(MEMORY_EXCEEDED, overMemory(result.bytes));
    case "cancelled":
      return fail("cancelled", result.reason);
    case "not_started":
      return fail("not_started", `the command could not be started: ${result.error}`);
    case "lost":
      return fail("runner_lost", result.error);
  }
}

function overMemory(bytes: number): string {
  return `the command was ended: it had ${rounded(bytes / 2 ** 30)} GiB of memory, more than its step reserves under resources`;
}

function timedOut(timeout: TimeLimit["report"], facts: StoredCommandResult): Report {
  const message = `${timeout.error.message}${endOf(facts)}`;
  return { ...timeout, error: { ...timeout.error, message }, partial: facts };
}

function completion(
  result: CommandResult,
  { execution, facts }: { execution: CommandExecution; facts: StoredCommandResult },
): Report {
  const unfit = (message: string): Report => invalidOutput(message, facts);
  if (execution.output === undefined) return { kind: "complete", result: facts, unfit };
  const own = resultOf(result.stdout ?? { text: "", bytes: 0 }, execution.output);
  return typeof own === "string"
    ? unfit(own)
    : { kind: "complete", result: own.value, note: `the output is in ${facts.output_file}`, unfit };
}

/** The step's own result, or why stdout holds none. */
function resultOf(stdout: NonNullable<CommandResult["stdout"]>, schema: unknown): { value: unknown } | string {
  const kept = Buffer.byteLength(stdout.text);
  const cut = stdout.bytes > kept ? `; only the last ${kept} of its ${stdout.bytes} bytes were kept` : "";
  if (stdout.badLine !== undefined)
    return `its stdout, which is the result, is not UTF-8 (line ${stdout.badLine}): print UTF-8, or leave out the step's output schema${cut}`;
  const found = asksForText(schema) ? undefined : lastJson(stdout.text);
  if (found !== undefined) return found;
  if (mayBeText(schema) && cut === "") return { value: outputText(stdout.text) };
  return asksForText(schema)
    ? `its stdout is the result, and too long${cut}`
    : `its stdout holds no JSON value on lines of its own, and the step's output schema asks for one: print it last, or use output: {type: string}${cut}`;
}

/** The command succeeded, and what it printed is no result of this step. */
function invalidOutput(message: string, facts: StoredCommandResult): Report {
  return { kind: "fail", error: { type: "invalid_output", message: `${message}${endOf(facts)}` }, partial: facts };
}

function factsOf(result: CommandResult, { outputFile, tests }: CommandExecution): StoredCommandResult {
  return {
    ...(result.outcome === "exited" && { exit_code: result.code }),
    ...(tests && { tests }),
    output_tail: tailText(Buffer.from(result.tail, "utf8"), tests ? TAIL_BYTES_BESIDE_REPORT : TAIL_BYTES),
    output_file: outputFile,
    output_bytes: result.outputBytes,
    truncated: result.truncated,
    ...(result.outputError !== undefined && { output_error: result.outputError }),
    ...(result.leftRunning.length > 0 && { left_running: result.leftRunning }),
  };
}

const TAIL_BYTES_BESIDE_REPORT = 300;
const LINES_SHOWN = 5;
const CHARACTERS_SHOWN_MAX = 500;

function endOf({ output_tail: tail, tests }: StoredCommandResult): string {
  if (tests !== undefined && tests.failed > 0) return `; ${failedTests(tests)}`;
  const lines = tail.trimEnd().split("\n").slice(-LINES_SHOWN).join("\n").slice(-CHARACTERS_SHOWN_MAX);
  return lines === "" ? "" : `; its output ends with:\n${lines}`;
}

function failedTests({ passed, failed, failures = [], failures_more: more = 0 }: TestReport): string {
  const named = failures.map(({ test, message }) => `\n- ${test}${message === undefined ? "" : `: ${message}`}`);
  return `${failed} of ${passed + failed} tests failed:${named.join("")}${more === 0 ? "" : `\n- and ${more} more`}`;
}
