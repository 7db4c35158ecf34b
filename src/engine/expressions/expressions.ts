import { startOf } from "../../base/texts/stored-values.js";
import { createRequire } from "node:module";
import type { ASTNode, Environment, ParseResult } from "@marcbachmann/cel-js";
import { EvaluationTime, inTime, TookTooLong } from "./time-limit.js";
import { plain, UnfitValue, ValueBytes } from "./value-bytes.js";
import { BatonError, messageOf } from "../../base/errors.js";
import { hint } from "../../base/names.js";

/**
 * Expressions are CEL (the Common Expression Language, cel.dev), which has no loops without end, no side effects and no access to
 * anything but the names it is given. The library is loaded with the first expression.
 */

/** Bytes of one expression. */
export const EXPRESSION_BYTES_MAX = 2_048;

/** The names that an expression can speak of. */
export const ROOTS = ["inputs", "steps", "run", "project", "item", "index"] as const;
export type Root = (typeof ROOTS)[number];
export const STEP_FIELDS = ["output", "status", "error"] as const;
const RUN_FIELDS = ["id", "name", "created_at", "budget"] as const;
const BUDGET_FIELDS = ["limit", "spent", "remaining"] as const;
const PROJECT_FIELDS = ["id", "name", "root"] as const;

/** The names an expression may use at its place. */
export interface Scope {
  /** The inputs by name, with their types. */
  readonly inputs: Readonly<Record<string, string>>;
  /** All steps of the definition. */
  readonly steps: ReadonlySet<string>;
  /** Whether a step has ended whenever this one starts. */
  comesBefore(step: string): boolean;
  /** Whether `item` and `index` have a value. */
  readonly inElement: boolean;
}

/** Something wrong with an expression, at a character of it, counted from 1. */
export interface ExpressionProblem {
  readonly message: string;
  readonly at: number;
}

/** An expression that has been read, and what it speaks of. */
export interface Expression {
  readonly source: string;
  /** Keys of the steps it reads, each once. */
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
  const names = new Names(scope);
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

/** Walks the names of an expression. */
class Names {
  readonly problems: ExpressionProblem[] = [];
  readonly steps = new Set<string>();
  late = false;
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  walk(node: ASTNode, bound: ReadonlySet<string>): void {
    const path = pathOf(node);
    if (path && !bound.has(path.root)) return this.#checkPath(path, node);
    switch (node.op) {
      case "value":
        return;
      case "id":
        if (!bound.has(node.args)) this.#checkPath({ root: node.args, fields: [] }, node);
        return;
      case ".":
      case ".?":
        return this.walk(node.args[0], bound);
      case "call":
        this.#checkFunction(node.args[0], node.range.start);
        return this.#walkAll(node.args[1], bound);
      case "rcall": {
        const [name, receiver, args] = node.args;
        this.walk(receiver, bound);
        // Behind the point.
        this.#checkFunction(name, receiver.range.end + 1);
        const [first] = args;
        // `list.map(x, …)` and its kin bind their first argument.
        const binds = MACROS.has(name) && first?.op === "id" ? new Set([...bound, first.args]) : bound;
        return this.#walkAll(args, binds);
      }
      case "map":
        for (const entry of node.args) this.#walkAll(entry, bound);
        return;
      case "!_":
      case "-_":
        return this.walk(node.args, bound);
      default:
        return this.#walkAll(node.args, bound);
    }
  }

  #walkAll(nodes: readonly ASTNode[], bound: ReadonlySet<string>): void {
    for (const node of nodes) this.walk(node, bound);
  }

  #checkFunction(name: string, at: number): void {
    const known = knownFunctions();
    if (!known.has(name)) this.problems.push({ message: `unknown function "${name}"${hint(name, known)}`, at: at + 1 });
  }

  #checkPath({ root, fields }: Path, node: ASTNode): void {
    const { inputs, steps, inElement } = this.#scope;
    const [field, second] = fields;
    const say = (message: string, place?: Field): void => {
      this.problems.push({ message, at: (place?.at ?? node.range.start) + 1 });
    };
    switch (root) {
      case "inputs":
        if (field && !Object.hasOwn(inputs, field.name))
          say(`there is no input "${field.name}"${hint(field.name, Object.keys(inputs))}`, field);
        return;
      case "steps":
        if (!field) return say("steps is read by key: steps.KEY.output, steps.KEY.status or steps.KEY.error");
        if (!steps.has(field.name)) return say(`there is no step "${field.name}"${hint(field.name, steps)}`, field);
        if (!this.#scope.comesBefore(field.name))
          return say(`step "${field.name}" does not come before this one: name it in needs`, field);
        this.steps.add(field.name);
        return this.#checkField(second, STEP_FIELDS, say);
      case "run":
        // All of the run holds its budget too.
        if (field === undefined || field.name === "budget") this.late = true;
        return field?.name === "budget"
          ? this.#checkField(second, BUDGET_FIELDS, say)
          : this.#checkField(field, RUN_FIELDS, say);
      case "project":
        return this.#checkField(field, PROJECT_FIELDS, say);
      case "item":
      case "index":
        if (!inElement) say(`"${root}" has a value only in a step with for_each`);
        return;
      default:
        say(`unknown name "${root}"${hint(root, ROOTS)}; known are ${ROOTS.join(", ")}`);
    }
  }

  #checkField(field: Field | undefined, known: readonly string[], say: (message: string, place?: Field) => void): void {
    if (field && !known.includes(field.name))
      say(`unknown field "${field.name}"${hint(field.name, known)}; known are ${known.join(", ")}`, field);
  }
}

const MACROS = new Set(["map", "filter", "exists", "exists_one", "all"]);

interface Field {
  readonly name: string;
  readonly at: number;
}

interface Path {
  readonly root: string;
  readonly fields: readonly Field[];
}

/** `a.b["c"]` as a root and its fields; undefined for what is more than that. */
function pathOf(node: ASTNode): Path | undefined {
  const fields: Field[] = [];
  let at = node;
  for (;;) {
    if (at.op === "id") return { root: at.args, fields: fields.reverse() };
    if (at.op === "." || at.op === ".?") {
      fields.push({ name: at.args[1], at: at.pos });
      at = at.args[0];
    } else if (at.op === "[]" && at.args[1].op === "value" && typeof at.args[1].args === "string") {
      fields.push({ name: at.args[1].args, at: at.args[1].range.start });
      at = at.args[0];
    } else {
      return undefined;
    }
  }
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
