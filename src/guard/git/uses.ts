import { setMaxListeners } from "node:events";
import type { FileUse } from "./file-use.js";
import { gitCallOf } from "./git-call.js";
import { withListings } from "../shell/listings.js";
import type { ProgramCall } from "../shell/program-call.js";
import { programsOf } from "../shell/shell-line.js";
import { VERBS } from "./verbs.js";
import { WorkTree } from "./work-tree.js";
import { writtenBy } from "./writers.js";

const TIME_MAX_MS = 1_000;
const ALIAS_DEPTH_MAX = 5;
/** A line may have thousands of commands: so many are asked about at once. */
const AT_ONCE_MAX = 4;
const VERB_NAMES: ReadonlySet<string> = new Set(Object.keys(VERBS));

/**
 * The uses of files by a command line, in its order, found by git itself. What only the shell will know counts for nothing, and so does
 * what git has not said within the limit, a second by default. Commands that only read start no process.
 */
export async function usesOf(
  command: string,
  cwd: string,
  limit: AbortSignal = AbortSignal.timeout(TIME_MAX_MS),
): Promise<readonly FileUse[]> {
  setMaxListeners(0, limit);
  return usesOfLine(command, { cwd, words: [], limit, depth: 0 });
}

interface Search {
  readonly cwd: string;
  /** The words that the line is given. */
  readonly words: readonly string[];
  readonly limit: AbortSignal;
  /** How many aliases lead to the line. */
  readonly depth: number;
}

async function usesOfLine(line: string, search: Search): Promise<readonly FileUse[]> {
  if (search.depth > ALIAS_DEPTH_MAX) return [];
  const programs = programsOf(line, search.cwd, search.words);
  const uses: FileUse[] = [];
  for (let from = 0; from < programs.length && !search.limit.aborted; from += AT_ONCE_MAX) {
    const some = programs.slice(from, from + AT_ONCE_MAX);
    uses.push(...(await Promise.all(some.map(async (program) => usesOfProgram(program, search)))).flat());
  }
  return uses.filter((use) => use.paths.length > 0);
}

async function usesOfProgram(called: ProgramCall, { limit, depth }: Search): Promise<readonly FileUse[]> {
  const program = await withListings(called, limit);
  const written = await writtenBy(program, limit);
  if (program.name !== "git") return written;
  const call = await gitCallOf(program, { limit, verbs: VERB_NAMES });
  if (call === undefined) return written;
  if ("line" in call) return usesOfLine(call.line, { ...call, limit, depth: depth + 1 });
  const uses = VERBS[call.verb];
  if (uses === undefined) return [];
  const tree = new WorkTree(call.place, limit);
  const root = await tree.root();
  if (root === undefined) return [];
  const drafts = await uses({ ...call, tree, prefix: root.prefix });
  return drafts.map(({ top = root.top, paths, effect, narrowed }) => ({
    verb: call.written,
    top,
    paths,
    effect,
    narrowed,
  }));
}
