import { BatonError } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { readDefinition } from "../../dispatch/definition-param.js";
import type { CommandContext, Shared } from "../command.js";
import { UsageError } from "../failure.js";
import { fit } from "../terminal/terminal.js";
import type { WorkflowFile } from "./workflow-file.js";

const COMMANDS_SHOWN = 20;
const LINE_COLUMNS = 200;

/**
 * Asks the person at a terminal whether the commands of a file may run here, where nothing else says so. Returns the options with
 * that permission. Throws `UsageError` where they say no.
 */
export async function permitCommands<T extends Shared & { readonly detach?: boolean }>(
  { host, askLine, stderr }: CommandContext,
  { file, text }: WorkflowFile,
  options: T,
): Promise<T> {
  if (askLine === undefined || options.detach === true || options.json === true) return options;
  const commands = commandsIn(text);
  if (commands.length === 0 || host.readConfig(options).commands.kind !== "off") return options;
  const shown = commands.slice(0, COMMANDS_SHOWN).map(({ key, run }) => `  ${fit(`${key}: ${run}`, LINE_COLUMNS)}`);
  const more = commands.length > shown.length ? [`  and ${commands.length - shown.length} more`] : [];
  stderr.print(`${[`${file} runs these commands here:`, ...shown, ...more].join("\n")}\n`);
  const answer = await askLine(`Run ${commands.length === 1 ? "it" : "them"}? [y/N] (--allow-commands says yes): `);
  if (/^\s*y(?:es)?\s*$/i.test(answer ?? "")) return { ...options, allowCommands: true };
  throw new UsageError("Nothing was started. `--detach` starts it for other servers that may run commands.");
}

interface Command {
  readonly key: string;
  readonly run: string;
}

/** The command lines of a file; a file that cannot be read as a workflow has none here, and is refused later with its problems. */
function commandsIn(text: string): readonly Command[] {
  let definition: Record<string, unknown>;
  try {
    definition = readDefinition(text);
  } catch (error) {
    if (error instanceof BatonError) return [];
    throw error;
  }
  const { steps } = definition;
  return (Array.isArray(steps) ? steps : []).flatMap((step: unknown) => {
    if (!isObject(step)) return [];
    const { key, run, compensate } = step;
    const undo =
      isObject(compensate) && typeof compensate["run"] === "string"
        ? [{ key: `${String(key)}, undone`, run: compensate["run"] }]
        : [];
    return typeof run === "string" ? [{ key: String(key), run }, ...undo] : undo;
  });
}
