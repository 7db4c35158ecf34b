import { readFileSync } from "node:fs";
import { hasCode } from "../base/errors.js";
import { withRunApp } from "./apps.js";
import { isShown, type ListChoice, type ListedAs, type ToolEntry } from "../dispatch/toolsets.js";

/** Made by `npm run build` (scripts/tool-list.mjs) beside the compiled code. What is listed by default is a third, and has its own file. */
const ALL = new URL("../tools.jsonl", import.meta.url);
const LISTED = new URL("../tools-listed.jsonl", import.meta.url);

/** The tools of a server as JSON, in the order of the registry: from the build, or computed where the sources themselves run. */
export async function shownTools(choice: ListChoice): Promise<string[]> {
  return toolsAmong(generatedLines(choice.toolsets.length > 0 ? ALL : LISTED) ?? (await computedLines()), choice);
}

/**
 * Each tool on a line of its own, after one that says when it is listed: a server sends the lines as they stand, and parses none of them.
 * All is ASCII, which is read in half the time.
 */
export function linesOf(entries: readonly ToolEntry[]): string {
  return entries.flatMap(({ tool, ...facts }) => [asciiOf(facts), asciiOf(tool)]).join("\n");
}

function asciiOf(value: unknown): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replaceAll(/[^\0-\x7F]/g, escaped);
}

export function toolsAmong(text: string, choice: ListChoice): string[] {
  const lines = text.split("\n");
  // Written from a ToolEntry[] by the build that wrote this code.
  const factsOf = (at: number) => JSON.parse(lines[at - 1] ?? "") as ListedAs;
  return lines.flatMap((line, at) => {
    if (at % 2 === 0) return [];
    const facts = factsOf(at);
    if (!isShown(facts, choice)) return [];
    return [choice.showsApps === true && facts.showsRun === true ? withRunApp(line) : line];
  });
}

/** Reads at once: through the pool of threads the file would take four turns of the loop, and nothing else is under way when a client asks. */
function generatedLines(file: URL): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function computedLines(): Promise<string> {
  const [{ catalogue }, { toolEntries }] = await Promise.all([
    import("../tools/registry.js"),
    import("../dispatch/published.js"),
  ]);
  return linesOf(toolEntries(catalogue.all));
}
