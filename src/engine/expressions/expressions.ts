import { startOf } from "../../base/texts/stored-values.js";
import { createRequire } from "node:module";
import type { ASTNode, Environment, ParseResult } from "@marcbachmann/cel-js";
import { type ExpressionProblem, Names, PROJECT_FIELDS, ROOTS, type Root, RUN_FIELDS, type Scope } from "./names.js";
import { EvaluationTime, inTime, TookTooLong } from "./time-limit.js";
import { plain, UnfitValue, ValueBytes } from "./value-bytes.js";
import { BatonError, messageOf } from "../../base/errors.js";

/**
 * Expressions are CEL (the Common Expression Language, cel.dev), which has no loops without end, no side effects and no access to
 * anything but the names it is given. The library is loaded with the first expression.
 */

/** Bytes of one expression. */
export const EXPRESSION_BYTES_MAX = 2_048;

/** An expression that has been read, and what it speaks of. */
export interface Expression {
  readonly source: string;
  /** Keys of the steps it reads, and artifacts as `artifactRead` knows them, each once. */
  readonly steps: readonly string[];
  /** Whether it reads what changes while the run goes on, beside the steps. */
  readonly late: boolean;
  /** The type of its value as far as it is known: `dyn` where it is not. */
  readonly type: string;
}

type Cel = typeof import("@marcbachmann/cel-js");

let loaded: { cel: Cel; environment: Environment } | undefined;

function library(): { cel: Cel; environment: Environment } {
  if (loaded) return loaded;
  const cel = createRequire(import.meta.url)("@marcbachmann/cel-js") as Cel;
  const environment = newEnvironment(cel, new Set());
  loaded = { cel, environment };
  return loaded;
}

/** The environment with every name but those whose types are given apart. */
function newEnvironment(cel: Cel, checked: ReadonlySet<Root>): Environment {
  const environment = new cel.Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 100, maxCallArguments: 16 },
  });
  for (const root of ROOTS) {
    if (!checked.has(root)) environment.registerVariable(root, "dyn");
  }
  addMixedNumbers(environment);
  return environment;
}

// The numbers of JSON are doubles and those written in an expression are integers; CEL orders them and does not add them, and its
// checker holds no double to equal an integer. `steps.test.output.failed + 1` and `inputs.count == 1` mean what they say.
function addMixedNumbers(environment: Environment): void {
  // Both ways, and their negations.
  environment.registerOperator("double == int", (a: number, b: bigint) => a === Number(b));

  const operators: Record<string, (a: number, b: number) => number> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "%": (a, b) => a % b,
  };
  for (const [sign, compute] of Object.entries(operators)) {
    const mixed = (a: number | bigint, b: number | bigint): number => compute(Number(a), Number(b));
    environment.registerOperator(`double ${sign} int`, mixed);
    environment.registerOperator(`int ${sign} double`, mixed);
    if (sign === "%") environment.registerOperator("double % double", mixed);
  }
}

interface Parsed {
  readonly run: ParseResult;
  /** Without macro and pattern, so that it takes as many steps as it has nodes. */
  readonly simple: boolean;
}

const parsed = new Map<string, Parsed>();
const PARSED_MAX = 1_000;

function parse(source: string): Parsed {
  const known = parsed.get(source);
  if (known) return known;
  const run = library().environment.parse(source);
  const result = { run, simple: !hasCall(run.ast) };
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(source, result);
  return result;
}

function hasCall(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(hasCall);
  if (typeof node !== "object" || node === null || !("op" in node) || !("args" in node)) return false;
  return node.op === "call" || node.op === "rcall" || hasCall(node.args);
}

/** Reads an expression and holds the names in it against its scope: the expression, or every problem. */
export function readExpression(source: string, scope: Scope): Expression | { problems: ExpressionProblem[] } {
  const bytes = Buffer.byteLength(source);
  if (bytes > EXPRESSION_BYTES_MAX) {
    return { problems: [{ message: `has ${bytes} bytes, the limit is ${EXPRESSION_BYTES_MAX}`, at: 1 }] };
  }
  let ast: ASTNode;
  try {
    ({ ast } = parse(source).run);
  } catch (error) {
    const { message, at } = problemOf(error);
    return { problems: [{ message: `${message}${advice(source)}`, at }] };
  }
  const names = new Names(scope, knownFunctions);
  names.walk(ast, new Set());
  if (names.problems.length > 0) return { problems: names.problems };
  const { type, error } = environmentOf(scope).check(source);
  if (error !== undefined) return { problems: [problemOf(error)] };
  return { source, steps: [...names.steps].sort(), late: names.late, type: type ?? "dyn" };
}

const TYPED: ReadonlySet<Root> = new Set(["inputs", "run", "project"]);

/** The types of inputs as CEL calls them. */
const CEL_TYPES: Readonly<Record<string, string>> = {
  string: "string",
  number: "double",
  integer: "double",
  boolean: "bool",
  array: "list<dyn>",
  object: "map<string, dyn>",
};

function textFields(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, "string"]));
}

const environments = new WeakMap<Scope["inputs"], Environment>();

/** Builds the environment with the types known before there are values: those of the inputs, the run and the project. */
function environmentOf({ inputs }: Scope): Environment {
  const known = environments.get(inputs);
  if (known) return known;
  const schema = Object.fromEntries(Object.entries(inputs).map(([name, type]) => [name, CEL_TYPES[type] ?? "dyn"]));
  const environment = newEnvironment(library().cel, TYPED);
  environment.registerVariable({ name: "inputs", schema });
  // There are projects without a root.
  environment.registerVariable({ name: "project", schema: { ...textFields(PROJECT_FIELDS), root: "dyn" } });
  environment.registerVariable({ name: "run", schema: { ...textFields(RUN_FIELDS), budget: "dyn" } });
  // Evaluated, it is among them by itself, and needs no operator of its own.
  environment.registerOperator("double in list<int>", () => false);
  environments.set(inputs, environment);
  return environment;
}

/** Notations of other languages that CEL writes otherwise. */
const OTHERWISE: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/\$\{\{/, "an expression has ${{ }} around all of it, or none"],
  [/===|!==|(?<![=!<>])=(?!=)/, "CEL compares with == and !="],
  [/\b(?:and|or|not)\b/, "CEL writes &&, || and !"],
];

function advice(source: string): string {
  const bare = source.replaceAll(/'[^']*'|"[^"]*"/g, "");
  const [, words] = OTHERWISE.find(([pattern]) => pattern.test(bare)) ?? [];
  return words === undefined ? "" : `; ${words}`;
}

let functions: ReadonlySet<string> | undefined;

function knownFunctions(): ReadonlySet<string> {
  functions ??= new Set(
    library()
      .environment.getDefinitions()
      .functions.map(({ name }) => name),
  );
  return functions;
}

function problemOf(error: unknown): ExpressionProblem {
  const { ParseError, TypeError: CelTypeError, EvaluationError } = library().cel;
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
    return { message: error.summary, at: (error.range?.start ?? 0) + 1 };
  }
  throw error;
}

/** Whether a text is an expression at all, whatever its names. */
export function isExpression(source: string): boolean {
  try {
    parse(source);
    return true;
  } catch {
    return false;
  }
}

/** With the values: the time there is to read them in, and the bound of what expressions give. */
export const TIME = Symbol("time");
export const BYTES = Symbol("bytes");

/** The values that expressions read. */
export type Values = Readonly<Partial<Record<Root, unknown>>> & {
  readonly [TIME]?: EvaluationTime;
  readonly [BYTES]?: ValueBytes;
};

/** Bytes of a value where no bound came with the values. */
const VALUE_BYTES_MAX = 4 * 1024 * 1024;

/** An expression could not be evaluated with the values there are. */
export class EvaluationFailed extends BatonError {
  constructor(source: string, problem: string) {
    super("invalid_input", `\`${source.length > 200 ? `${startOf(source, 200)}…` : source}\`: ${problem}`);
    this.name = "EvaluationFailed";
  }
}

/**
 * The value of an expression, as JSON has it. Throws `EvaluationFailed` alone: for a field that is not there, types that do
 * not fit, a value that the store cannot keep, and for one that takes too long (nested macros over long lists, a pattern that
 * backtracks).
 */
export function evaluate(source: string, values: Values): unknown {
  const bytes = values[BYTES]?.next() ?? new ValueBytes(VALUE_BYTES_MAX);
  try {
    const { run, simple } = parse(source);
    const value: unknown = simple
      ? run(values)
      : inTime(values[TIME] ?? new EvaluationTime(), () => run(values) as unknown);
    return plain(value, bytes, library().cel.Optional);
  } catch (error) {
    throw new EvaluationFailed(source, failureOf(error));
  }
}

/** The library and its functions may throw whatever a value makes them throw: it is the expression's failure. */
function failureOf(error: unknown): string {
  const { ParseError, TypeError: CelTypeError, EvaluationError } = library().cel;
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)
    return error.summary;
  if (error instanceof TookTooLong || error instanceof UnfitValue) return error.message;
  return `cannot be evaluated: ${messageOf(error)}`;
}
