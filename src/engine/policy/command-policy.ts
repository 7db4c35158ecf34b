import type { CommandPattern, CommandPolicy } from "../../base/executor-policy.js";
import { liesWithin } from "../../base/directories.js";
import { parseLine, type ParsedLine, writeLine } from "./assignments.js";
import { matches } from "./wildcards.js";

/**
 * Characters that `*` never stands for: everything with which a shell chains or nests commands, redirects, expands
 * variables and braces, continues a line, or (`#`, backslash) cuts off or disguises the rest of the pattern. Control
 * characters likewise.
 */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const NOT_IN_WILDCARD = /[;&|$()<>{}`#\\\u0000-\u0008\u000a-\u001f\u007f]/;
/** A word that is an option, or may become one when a shell puts the name of a file in its place. */
const OPTION = /(?:^|[ \t])['"]*[-*?[]/;
const QUOTES = /['"]/;
const BLANK = /[ \t\n]/;

/** A command as a policy judges it. */
export interface JudgedCommand {
  /** From `commandLine`. */
  readonly line: string;
  /** Root of its project; null for a project that has none. */
  readonly root: string | null;
}

/**
 * A step's own `env` and its `run` as one text, `CI=1 npm test`, by which its demand is known. Because variables such as
 * PATH or NODE_OPTIONS decide what a program does, patterns must name them.
 */
export function commandLine(run: string, env: Readonly<Record<string, string>> = {}): string {
  return writeLine(shellText(run), env);
}

/** A command line as a shell is given it: a return before the end of a line would be a character of its last word. */
export function shellText(run: string): string {
  return run.replaceAll("\r\n", "\n");
}

/**
 * Whether a command may be started. A pattern must fit the whole line: each variable the value of the same name, and
 * what follows them the command. In a pattern `*` stands for any text without the characters above and without a word
 * that begins with `-`, everything else for itself. So `npm run *` allows `npm run build` and neither `npm run x; rm -rf ~`
 * nor `npm run --prefix /tmp x`; options are written out, as in `npm run * -- --watch`. (`git diff*` allows
 * `git difftool` too: `git diff *` is what is meant.)
 */
export function lineAllowed(policy: CommandPolicy, { line, root }: JudgedCommand): boolean {
  if (policy.kind === "off" || !isWithin(policy.roots, root)) return false;
  if (policy.kind === "all") return true;
  const command = parseLine(line);
  return command !== undefined && policy.patterns.some((pattern) => fits(pattern, command, root));
}

function fits(written: CommandPattern, command: ParsedLine, root: string | null): boolean {
  const { pattern, roots } = typeof written === "string" ? { pattern: written, roots: undefined } : written;
  if (!isWithin(roots, root)) return false;
  const allowed = parseLine(pattern);
  if (allowed === undefined || allowed.variables.size !== command.variables.size) return false;
  for (const [name, value] of command.variables) {
    const expected = allowed.variables.get(name);
    if (expected === undefined || !matches(expected, value, admits)) return false;
  }
  return matches(allowed.run, command.run, admits);
}

/** Whether a root is one of the directories, or lies within one; everything is where none is named. */
function isWithin(directories: readonly string[] | undefined, root: string | null): boolean {
  if (directories === undefined) return true;
  return root !== null && directories.some((directory) => liesWithin(directory, root));
}

function admits(text: string, from: number, to: number): boolean {
  const under = text.slice(from, to);
  if (NOT_IN_WILDCARD.test(under)) return false;
  // Quotes in front of the wildcard begin the word that goes on under it.
  let start = from;
  while (start > 0 && QUOTES.test(text.charAt(start - 1))) start--;
  const startsWord = start === 0 || BLANK.test(text.charAt(start - 1));
  return !OPTION.test(startsWord ? under : `x${under}`);
}
