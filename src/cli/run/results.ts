import { startOf } from "../../base/texts/stored-values.js";
import { isObject } from "../../base/json.js";
import { unlessCode } from "../../base/errors.js";
import type { RunAnswer, TypedCall } from "../typed-calls.js";

const RESULTS_SHOWN = 5;
/** Larger graphs are not read for the sake of a summary. */
const TASKS_MAX = 1_000;
const LINES_SHOWN = 5;
const CHARACTERS_SHOWN = 400;

/** The result of a step that no other step of its run depends on: what the run was for. */
export interface FinalResult {
  readonly key: string;
  readonly result: unknown;
}

export interface FinalResults {
  readonly results: readonly FinalResult[];
  /** How many more there are. */
  readonly more: number;
}

/** Reads the results of the last steps of a run: those that succeeded and that no other step depends on. */
export async function finalResults(call: TypedCall, { id, counts }: RunAnswer): Promise<FinalResults> {
  if (counts.total > TASKS_MAX || counts.succeeded === 0) return { results: [], more: 0 };
  const { graph } = await call("get_run_graph", { run: id, format: "json" });
  if (typeof graph === "string") return { results: [], more: 0 };
  const needed = new Set(graph.edges.map(({ from }) => from));
  const last = graph.tasks.filter(({ key, status }) => status === "succeeded" && !needed.has(key));
  const results: FinalResult[] = [];
  for (const { id: task, key } of last.slice(0, RESULTS_SHOWN)) {
    const found = await unlessCode(call("get_task", { task, include: ["result"] }), "not_found");
    if (found?.result !== undefined) results.push({ key, result: found.result });
  }
  return { results, more: Math.max(0, last.length - RESULTS_SHOWN) };
}

/** Results as indented lines, each cut; `baton show` shows one whole. */
export function finalResultLines({ results, more }: FinalResults, run: string): string[] {
  const cut = results.some(({ result }) => wordsOf(result).cut);
  const lines = results.flatMap(({ key, result }) => {
    const [first = "", ...rest] = wordsOf(result).text.split("\n");
    return [`  ${key} → ${first}`, ...rest.map((line) => `    ${line}`)];
  });
  if (more > 0) lines.push(`  and ${more} more results`);
  return cut || more > 0 ? [...lines, `  whole: baton show ${run} STEP`] : lines;
}

function wordsOf(result: unknown): { readonly text: string; readonly cut: boolean } {
  const whole = resultText(result);
  // The end of an output says how it went; the beginning of any other text says what it is.
  const isOutput = outputOf(result) !== undefined;
  const lines = whole.split("\n");
  const kept = isOutput ? lines.slice(-LINES_SHOWN) : lines.slice(0, LINES_SHOWN);
  const text = kept.join("\n");
  const cut = kept.length < lines.length || text.length > CHARACTERS_SHOWN;
  if (text.length <= CHARACTERS_SHOWN) return { text, cut };
  return { text: isOutput ? `…${text.slice(-CHARACTERS_SHOWN)}` : `${startOf(text, CHARACTERS_SHOWN)}…`, cut };
}

/** A result as a person reads it: the output of a command, a text as it is, anything else as JSON. */
export function resultText(result: unknown): string {
  const output = outputOf(result);
  if (output !== undefined) return output.trimEnd() === "" ? "(no output)" : output.trimEnd();
  return typeof result === "string" ? result : JSON.stringify(result);
}

/** The output, where the result is that of a command without a result of its own. */
function outputOf(result: unknown): string | undefined {
  if (!isObject(result) || typeof result["output_tail"] !== "string" || !("exit_code" in result)) return undefined;
  return result["output_tail"];
}
