import { refusalOf } from "./command-rules.js";
import { CommandReader, type Place } from "./command-words.js";
import { CLOSE, OPEN, templateParts } from "./interpolation.js";

/** A command line without its expressions: their values reach the command as these variables. */
export interface ShellTemplate {
  readonly run: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Why an expression cannot stand where it does, and where that is, counted from 1. */
export interface Misplaced {
  readonly misplaced: string;
  readonly at: number;
}

const VARIABLE = "BATON_VALUE_";
const PUT_INTO_ENV = 'put it into env:, as env: { VALUE: "${{ … }}" }, and write "$VALUE"';

const USE_DOUBLE_QUOTES = "use double quotes, or none";
const NESTED =
  "must be a word of its own or stand in double quotes, outside of $( ), backticks, ( ), here-documents and comments";
const MISPLACED: Readonly<Record<Exclude<Place, "word" | "text">, string>> = {
  lost: NESTED,
  nested: NESTED,
  computed: "stands where a shell computes, and what a value holds could be run there",
  condition: "stands in [[ ]], where bash computes and what a value holds could be run: use [ ], or compare in if",
  "single quotes": "stands in single quotes, in which a shell reads no variable",
};

/**
 * Replaces each expression of a command line by a variable, so that its value is one text to the shell and never read as a part of the
 * line. An expression may be a whole word of a simple command, which gets quotes, or stand in double quotes in one, and only behind
 * the name of a program or of a builtin command that takes its words as they are; any other is misplaced. The author of the line answers
 * for what a program does with that text.
 */
export function shellTemplate(run: string): ShellTemplate | Misplaced {
  const parts = templateParts(run);
  if ("unclosedAt" in parts) return { run, variables: {} };
  const variables: Record<string, string> = {};
  const offsets: number[] = [];
  const reader = new CommandReader();
  let misplaced: Misplaced | undefined;
  let line = "";
  for (const [index, part] of parts.entries()) {
    if (typeof part === "string") {
      reader.read(part);
      line += part;
      continue;
    }
    const place = reader.place(offsets.length, parts[index + 1] ?? "");
    offsets.push(part.at);
    const name = `${VARIABLE}${offsets.length}`;
    variables[name] = `${OPEN} ${part.source} ${CLOSE}`;
    if (place !== "word" && place !== "text") misplaced ??= refused(MISPLACED[place], part.at);
    line += place === "word" ? `"\${${name}}"` : `\${${name}}`;
  }
  return misplaced ?? evaluated(reader, offsets) ?? { run: line, variables };
}

function evaluated(reader: CommandReader, offsets: readonly number[]): Misplaced | undefined {
  for (const command of reader.end()) {
    const refusal = refusalOf(command);
    if (refusal !== undefined) return refused(refusal.why, offsets[refusal.value] ?? 1);
  }
  return undefined;
}

function refused(why: string, at: number): Misplaced {
  return { misplaced: `${why}: ${why === MISPLACED["single quotes"] ? USE_DOUBLE_QUOTES : PUT_INTO_ENV}`, at };
}

const EVALUATED_VARIABLES = new Set(["BASH_ENV", "ENV", "PS0", "PS1", "PS2", "PS4", "PROMPT_COMMAND"]);

/** Whether a shell runs commands that are in the value of this environment variable. */
export function isEvaluatedVariable(name: string): boolean {
  return EVALUATED_VARIABLES.has(name);
}

/** The command line as the shell is given it, and as a pattern is held against it. */
export function shellLine(run: string): string {
  const shell = shellTemplate(run);
  return "misplaced" in shell ? run : shell.run;
}
