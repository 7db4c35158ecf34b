import { shellWord } from "../../base/texts/shell-word.js";

/** A command line in two parts that are judged apart: the variables in front of it, and what a shell then runs. */
export interface ParsedLine {
  readonly variables: ReadonlyMap<string, string>;
  readonly run: string;
}

/** `NAME=value` in front of a command, where the value is plain or in quotes within which a shell expands nothing. */
const ASSIGNMENT =
  /^([A-Za-z_][A-Za-z0-9_]*)=('[^']*'(?:\\''[^']*')*|"[^"$`\\!]*"|[^\s'"$`\\;&|<>()#~{}!]*)[ \t]+(?=[^ \t])/;

/** Writes variables and `run` as a shell takes them, the variables sorted by name: `CI=1 npm test`. `parseLine` reads it. */
export function writeLine(run: string, env: Readonly<Record<string, string>>): string {
  const assignments = Object.keys(env)
    .sort()
    .map((name) => `${name}=${assigned(env[name] ?? "")} `);
  return assignments.join("") + trimmed(run);
}

/** Reads a line or a pattern; undefined where a variable stands twice, since which one counts depends on the command. */
export function parseLine(line: string): ParsedLine | undefined {
  const variables = new Map<string, string>();
  let run = trimmed(line);
  for (let found = ASSIGNMENT.exec(run); found !== null; found = ASSIGNMENT.exec(run)) {
    const [whole, name = "", value = ""] = found;
    if (variables.has(name)) return undefined;
    variables.set(name, unquoted(value));
    run = run.slice(whole.length);
  }
  return { variables, run };
}

/** A value behind `=`, where nothing is a word too. */
function assigned(value: string): string {
  return value === "" ? "" : shellWord(value);
}

function unquoted(value: string): string {
  if (value.startsWith('"')) return value.slice(1, -1);
  return value.startsWith("'") ? value.slice(1, -1).replaceAll(String.raw`'\''`, "'") : value;
}

/** Without what a shell ignores around a line; `String.trim` takes more, such as no-break spaces. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n]+/, "").replace(/[ \t\n]+$/, "");
}
