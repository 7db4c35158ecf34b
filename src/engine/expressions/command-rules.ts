import { givesValue, standsBeforeName, type Word } from "./command-words.js";

export interface EvaluatedWord {
  readonly why: string;
  /** The number of the expression. */
  readonly value: number;
}

const ASSIGNED = "is given to a variable in the line, which bash evaluates for some (PS4, RANDOM, numbers)";
const CHOSEN = "stands where the name of a command is expected, and its value would choose what is run";
const UNREADABLE =
  "stands behind a command whose name is not written out, and some commands evaluate what they are given";
const READ_AS_CODE = "is read as code by the program it is given to, and what a value holds could be run";
const TESTED =
  "stands in a condition of a form in which bash may evaluate it: [ -f X ], [ A = B ] and [ A -lt B ] are read as they are, joined by && and ||";
const FORMAT = "stands where printf may read an option: begin the format with a text, as in printf '%s\\n'";

function evaluatedBy(name: string): string {
  return `stands behind ${name}, which evaluates what it is given or changes the shell`;
}

/** Names that lead to the command whose name is the next word. */
const LEADS = new Set(["command", "builtin", "exec"]);
/** Builtin commands that take every word as it is. */
const TAKES_TEXT = new Set(["echo", ":", "true", "false", "cd", "exit", "return", "pwd"]);
/** Commands of bash, dash and ksh that run in the shell itself, and words of its grammar. Others are programs, or functions of the line. */
const BUILT_IN = new Set(
  (
    ". alias autoload bg bind break caller case chdir compgen complete compopt continue coproc declare dirs disown emulate enable eval " +
    "export fc fg float for function functions getopts hash help history in integer jobs kill let local logout mapfile nameref popd print " +
    "pushd read readarray readonly select set setopt shift shopt source suspend times trap type typeset ulimit umask unalias unset " +
    "vared wait whence zmodload"
  ).split(" "),
);

/** Why an expression of a simple command could be evaluated by the shell, and which. */
export function refusalOf(command: readonly Word[]): EvaluatedWord | undefined {
  const first = firstValue(command);
  if (first === undefined) return undefined;
  let at = 0;
  for (let word = command[at]; word !== undefined && standsBeforeName(word); word = command[++at]) {
    if (givesValue(word) && hasValue(word)) return refusal(ASSIGNED, word);
  }
  while (LEADS.has(command[at]?.literal ?? "") && command[at]?.isPlain === true) at += 1;
  const name = command[at];
  if (name === undefined) return undefined;
  if (hasValue(name)) return refusal(CHOSEN, name);
  const words = command.slice(at + 1);
  const text = nameOf(name);
  if (text === undefined) return { why: UNREADABLE, value: first };
  const why = whyEvaluated(text, words);
  return why === undefined ? undefined : { why, value: first };
}

function hasValue({ values }: Word): boolean {
  return values.length > 0;
}

function firstValue(words: readonly Word[]): number | undefined {
  return words.find(hasValue)?.values[0];
}

function refusal(why: string, { values: [value = 0] }: Word): EvaluatedWord {
  return { why, value };
}

/** The name of a command as it is written out; undefined where the shell makes it, unless it is surely a path. */
function nameOf({ raw, literal, isPlain }: Word): string | undefined {
  if (raw === "[" || raw === "[[") return raw;
  if (isPlain) return literal.startsWith("-") ? undefined : literal;
  return raw.includes("/") && !/[{`(]/.test(raw) ? raw : undefined;
}

function whyEvaluated(name: string, words: readonly Word[]): string | undefined {
  if (TAKES_TEXT.has(name)) return undefined;
  if (name === "printf") return readsFormat(words) ? undefined : FORMAT;
  if (name === "test" || name === "[") return testsPlainly(name, words) ? undefined : TESTED;
  if (name === "set" && words[0]?.raw === "--") return undefined;
  if (BUILT_IN.has(name)) return evaluatedBy(name);
  return isCode([{ raw: name, literal: name, isPlain: true, values: [] }, ...words]) ? READ_AS_CODE : undefined;
}

/** Whether printf cannot take the first word for its option -v. */
function readsFormat([format, ...others]: readonly Word[]): boolean {
  if (format?.raw === "--") return readsFormat(others);
  return format !== undefined && format.literal !== "" && !format.literal.startsWith("-");
}

const UNARY = /^-[abcdefghknprsuwxzGLNOS]$/;
const BINARY = /^(?:==?|!=|[<>]|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))$/;

/** Whether a condition has a form in which no word can be taken for an operator but the one that is written out. */
function testsPlainly(name: string, words: readonly Word[]): boolean {
  const ends = name === "[";
  if (ends && words.at(-1)?.raw !== "]") return false;
  const condition = ends ? words.slice(0, -1) : words;
  const [one, two, three, more] = condition[0]?.raw === "!" ? condition.slice(1) : condition;
  if (one === undefined || more !== undefined) return false;
  if (two === undefined) return true;
  if (three === undefined) return one.isPlain && UNARY.test(one.literal);
  return two.isPlain && BINARY.test(two.literal);
}

/** Programs that read code, and the options behind which they do. */
const INTERPRETERS: readonly { readonly program: RegExp; readonly option: RegExp; readonly readsFile?: true }[] = [
  { program: /^(?:ba|da|a|k|mk|z|fi|c|tc)?sh$/, option: /^-\w*c\w*$/, readsFile: true },
  { program: /^(?:su|script|python[\d.]*|pypy\d?)$/, option: /^-\w*c\w*$/ },
  { program: /^(?:perl|ruby|node|deno|bun|lua|osascript|Rscript)$/, option: /^(?:-\w*[eEp]\w*|--eval|--print)$/ },
  { program: /^php$/, option: /^-r$/ },
];
/** An option with its code in one word. */
const CODE_IN_OPTION = /^(?:-\w*[ceEpr]|--(?:eval|print|command)=)["']/;

/** Whether a word with an expression is code to a program that a command names, also behind others, as in `timeout 5 sh -c "…"`. */
function isCode(command: readonly Word[]): boolean {
  const options = new Set<RegExp>();
  // The next word that is no option is code; the one behind code is the name that it is given.
  let next: "code" | "name" | undefined;
  for (const word of command) {
    if (hasValue(word) && (next === "code" || (options.size > 0 && CODE_IN_OPTION.test(word.raw)))) return true;
    const isOption = word.literal.startsWith("-");
    const interpreter = next === undefined ? interpreterOf(word) : undefined;
    if (interpreter !== undefined) {
      options.add(interpreter.option);
      next = interpreter.readsFile === true ? "code" : undefined;
    } else if (isOption && [...options].some((option) => option.test(word.literal))) next = "code";
    else if (!isOption) next = next === "code" ? "name" : undefined;
  }
  return false;
}

function interpreterOf({ literal }: Word): (typeof INTERPRETERS)[number] | undefined {
  const program = literal.slice(literal.lastIndexOf("/") + 1);
  return INTERPRETERS.find((one) => one.program.test(program));
}
