import type { ASTNode } from "@marcbachmann/cel-js";
import { hint } from "../../base/names.js";

/** The names that an expression can speak of. */
export const ROOTS = ["inputs", "steps", "run", "project", "artifact", "item", "index"] as const;
export type Root = (typeof ROOTS)[number];
const STEP_FIELDS = ["output", "status", "error"] as const;
export const RUN_FIELDS = ["id", "name", "created_at", "budget"] as const;
const BUDGET_FIELDS = ["limit", "spent", "remaining"] as const;
export const PROJECT_FIELDS = ["id", "name", "root"] as const;

const ARTIFACT_FIELDS = [
  "exists",
  "version",
  "type",
  "hash",
  "bytes",
  "validated",
  "passed",
  "critical",
  "figures",
  "approved",
] as const;

const ARTIFACT_READ = "artifact:";

/** The name of the artifact that an entry of a step's `reads` means; undefined where it is the key of a step, which has no colon. */
export function artifactRead(read: string): string | undefined {
  return read.startsWith(ARTIFACT_READ) ? read.slice(ARTIFACT_READ.length) : undefined;
}

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

/** Walks the names of an expression. */
export class Names {
  readonly problems: ExpressionProblem[] = [];
  /** Keys of steps, and artifacts as `artifactRead` knows them. */
  readonly steps = new Set<string>();
  late = false;
  readonly #scope: Scope;
  readonly #functions: () => ReadonlySet<string>;

  constructor(scope: Scope, functions: () => ReadonlySet<string>) {
    this.#scope = scope;
    this.#functions = functions;
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
    const known = this.#functions();
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
      case "artifact":
        if (!field) return say('artifact is read by name: artifact["design.md"].passed');
        this.steps.add(`${ARTIFACT_READ}${field.name}`);
        return this.#checkField(second, ARTIFACT_FIELDS, say);
      case "item":
      case "index":
        if (!inElement) say(`"${root}" has a value only in a step with for_each`);
        return;
      default:
        say(`unknown name "${root}"${hint(root, ROOTS)}; known are ${ROOTS.join(", ")}${habitOf(root)}`);
    }
  }

  #checkField(field: Field | undefined, known: readonly string[], say: (message: string, place?: Field) => void): void {
    if (field && !known.includes(field.name))
      say(`unknown field "${field.name}"${hint(field.name, known)}; known are ${known.join(", ")}`, field);
  }
}

const NO_SECRETS =
  "values of a workflow are stored and shown, so there are no secrets: let a command read its own, as run: set -a; . ./.env; ./deploy does";

/** Roots of other systems, with the way to write the same here. */
const ROOT_HABITS: Readonly<Record<string, string>> = {
  secrets: NO_SECRETS,
  vars: "declare inputs: at the top and read inputs.NAME",
  params: "write inputs.NAME",
  env: 'a command reads its environment itself: write "$NAME", and env: { NAME: value } for more',
  needs: "write steps.KEY.output",
  tasks: "write steps.KEY.output",
  jobs: "write steps.KEY.output",
  matrix: "with for_each: [1, 2, 3] write item",
  workflow: "write run.name",
  artifacts: 'write artifact["design.md"]',
};

function habitOf(root: string): string {
  return Object.hasOwn(ROOT_HABITS, root) ? `; ${ROOT_HABITS[root]}` : "";
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
