import type { FailRequest } from "../../engine/tasks/tasks.js";
import type { Report } from "../loop/attempt.js";
import { tailText } from "../processes/output.js";
import { type CommandResult, TAIL_BYTES } from "../processes/process.js";

/** The facts of a command's end that are stored in the database. */
export interface StoredCommandResult {
  readonly exit_code?: number;
  /** Of stdout and stderr together; the whole, as far as it was kept, is in the file. */
  readonly output_tail: string;
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
  /** The timeout that ends the command first. */
  readonly timeout: FailRequest["error"];
  /** The step asks for a result of its own: the last line of the output is that result, as JSON. */
  readonly ownResult: boolean;
}

/** Words the end of a command: exit code 0 is success, everything else an error type of its own. */
export function reportOf(result: CommandResult, execution: CommandExecution): Report {
  const facts = factsOf(result, execution);
  const fail = (type: string, message: string): Report => ({ kind: "fail", error: { type, message }, partial: facts });
  switch (result.outcome) {
    case "exited":
      if (result.code === 0) return completion(result, { execution, facts });
      return fail(`exit_${result.code}`, `the command ended with exit code ${result.code}${endOf(facts)}`);
    case "signalled":
      return fail(`signal_${result.signal}`, `the command was ended by ${result.signal}${endOf(facts)}`);
    case "timed_out":
      return fail(execution.timeout.type, `${execution.timeout.message}${endOf(facts)}`);
    case "cancelled":
      return fail("cancelled", result.reason);
    case "not_started":
      return fail("not_started", `the command could not be started: ${result.error}`);
    case "lost":
      return fail("runner_lost", result.error);
  }
}

function completion(
  result: CommandResult,
  { execution, facts }: { execution: CommandExecution; facts: StoredCommandResult },
): Report {
  const unfit = (message: string): Report => invalidOutput(message, facts);
  if (!execution.ownResult) return { kind: "complete", result: facts, unfit };
  const line = result.tail.trimEnd().split("\n").at(-1) ?? "";
  try {
    const own: unknown = JSON.parse(line);
    return { kind: "complete", result: own, note: `the output is in ${facts.output_file}`, unfit };
  } catch {
    return unfit("the last line of the output is not JSON, and the step's output schema asks for a result");
  }
}

/** The command succeeded, and what it printed is no result of this step. */
function invalidOutput(message: string, facts: StoredCommandResult): Report {
  return { kind: "fail", error: { type: "invalid_output", message: `${message}${endOf(facts)}` }, partial: facts };
}

function factsOf(result: CommandResult, { outputFile }: CommandExecution): StoredCommandResult {
  return {
    ...(result.outcome === "exited" && { exit_code: result.code }),
    output_tail: tailText(Buffer.from(result.tail, "utf8"), TAIL_BYTES),
    output_file: outputFile,
    output_bytes: result.outputBytes,
    truncated: result.truncated,
    ...(result.outputError !== undefined && { output_error: result.outputError }),
    ...(result.leftRunning.length > 0 && { left_running: result.leftRunning }),
  };
}

const LINES_SHOWN = 5;
const CHARACTERS_SHOWN_MAX = 500;

function endOf({ output_tail: tail }: StoredCommandResult): string {
  const lines = tail.trimEnd().split("\n").slice(-LINES_SHOWN).join("\n").slice(-CHARACTERS_SHOWN_MAX);
  return lines === "" ? "" : `; its output ends with:\n${lines}`;
}
