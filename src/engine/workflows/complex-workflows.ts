import { startOf } from "../../base/texts/stored-values.js";
import type { DefinitionLimits } from "../definitions/step-checks.js";
import { parseDefinition, type Parsed } from "../definitions/definition.js";
import { type JsonObject, hashOfInput } from "../../base/json.js";
import { hint } from "../../base/names.js";
import { type Problem, Problems, problemsError } from "../../base/problems.js";

/** A workflow in the form that other systems use. */
export interface ComplexWorkflow {
  /** Default: made of the content, so that the same workflow is the same. */
  readonly name?: string | undefined;
  readonly steps: readonly ComplexStep[];
  /** By the name of a step: those it comes after. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  /** Groups that run one after another, their members side by side. */
  readonly parallel_groups: readonly (readonly string[])[];
}

export interface ComplexStep {
  readonly name: string;
  /** An MCP server, or a built-in module: `shell`, `baton`. */
  readonly module: string;
  /** Its tool. Of `shell` it is `run`; of `baton` the kind of step. */
  readonly action: string;
  readonly parameters: JsonObject;
  /** Steps that it comes after, beside those that `dependencies` names. */
  readonly dependencies?: readonly string[] | undefined;
  /** Seconds that a try may take. */
  readonly timeout?: number | undefined;
  /** Tries after the first. */
  readonly max_retries?: number | undefined;
}

/** Says which groups wait for others, where no step of theirs would wait otherwise: other systems read groups as a permission. */
export function groupWarnings({ steps, dependencies, parallel_groups: groups }: ComplexWorkflow): string[] {
  const waits = new Set(Object.keys(dependencies).concat(steps.flatMap((one) => (one.dependencies ? [one.name] : []))));
  const held = groups.filter((group) => group.length > 0).slice(1);
  const free = held.flat().filter((name) => !waits.has(name));
  if (free.length === 0) return [];
  const shown = free.slice(0, 5).join(", ");
  return [
    `parallel_groups run one after another: ${shown} wait for the group before; leave groups out to let them begin.`,
  ];
}

/**
 * Returns the definition that says the same. Errors: `invalid_input` or `limit_exceeded` with every problem, at the place
 * where the caller wrote it.
 */
export function translateComplex(written: ComplexWorkflow, limits: DefinitionLimits): Parsed {
  const problems = new Problems();
  const needs = new Needs(written, problems);
  const translator = new Translator(needs, problems);
  const steps = written.steps.map((step, index) => translator.step(step, index));
  const { dependencies, parallel_groups } = written;
  const name =
    written.name ??
    `complex-${hashOfInput({ steps: written.steps, dependencies, parallel_groups }).slice(0, 8).toLowerCase()}`;
  const whole = (step: JsonObject, of: ComplexStep | undefined) => ({ ...step, ...needs.of(of), ...limitsOf(of) });
  const definition = { name, steps: steps.map((step, index) => whole(step, written.steps[index])) };
  const parsed = parseDefinition(definition, { limits });
  if ("problems" in parsed) for (const problem of parsed.problems) problems.add(placed(problem, written, steps));
  if (problems.count > 0 || "problems" in parsed)
    throw problemsError("The workflow cannot be translated", problems.list());
  return parsed;
}

/** A try's time limit and the number of tries, where the step says them beside its parameters. */
function limitsOf({ timeout, max_retries: retries }: Partial<ComplexStep> = {}): JsonObject {
  return {
    ...(timeout === undefined ? {} : { timeouts: { start_to_close: Math.ceil(timeout * 1_000) } }),
    ...(retries === undefined ? {} : { retry: { max_attempts: retries + 1 } }),
  };
}

/** Between groups, each member of one to each of the next. */
const EDGES_MAX = 100_000;

/** The dependencies of each step: from `dependencies`, from the groups, and from the results it reads. */
class Needs {
  readonly #byStep = new Map<string, Set<string>>();

  constructor({ steps, dependencies, parallel_groups: groups }: ComplexWorkflow, problems: Problems) {
    for (const { name } of steps) this.#byStep.set(name, new Set());
    steps.forEach(({ name, dependencies: after = [] }, index) =>
      this.#addEach(name, { after, at: `steps[${index}].dependencies` }, problems),
    );
    for (const [step, after] of Object.entries(dependencies)) {
      if (!this.#byStep.has(step)) problems.add({ path: `dependencies.${step}`, message: this.#noStep(step) });
      this.#addEach(step, { after, at: `dependencies.${step}` }, problems);
    }
    this.#addGroups(groups, problems);
  }

  #addEach(step: string, { after, at }: { after: readonly string[]; at: string }, problems: Problems): void {
    after.forEach((other, index) => {
      const path = `${at}[${index}]`;
      if (other === step) problems.add({ path, step, message: "a step cannot come after itself" });
      else if (!this.add(step, other)) problems.add({ path, step, message: this.#noStep(other) });
    });
  }

  of(step: ComplexStep | undefined): { needs?: string[] } {
    const needs = [...(this.#byStep.get(step?.name ?? "") ?? [])];
    return needs.length === 0 ? {} : { needs };
  }

  /** False where the other is no step. */
  add(step: string, other: string): boolean {
    if (!this.#byStep.has(other)) return false;
    if (other !== step) this.#byStep.get(step)?.add(other);
    return true;
  }

  hintFor(step: string): string {
    return hint(step, this.#byStep.keys());
  }

  #noStep(name: string): string {
    return `"${name}" is not a step${this.hintFor(name)}`;
  }

  #addGroups(groups: ComplexWorkflow["parallel_groups"], problems: Problems): void {
    const groupOf = new Map<string, number>();
    let before: readonly string[] = [];
    let edges = 0;
    let told = false;
    groups.forEach((group, index) => {
      group.forEach((name, at) => {
        const path = `parallel_groups[${index}][${at}]`;
        const other = groupOf.get(name);
        if (!this.#byStep.has(name)) problems.add({ path, message: this.#noStep(name) });
        else if (other !== undefined) problems.add({ path, step: name, message: `stands in group ${other} already` });
        groupOf.set(name, other ?? index);
      });
      edges += before.length * group.length;
      if (edges <= EDGES_MAX) {
        for (const name of group) for (const earlier of before) this.add(name, earlier);
      } else if (!told) {
        told = true;
        const message = `the groups make more than ${EDGES_MAX} dependencies: put a group of one step between large ones`;
        problems.add({ path: `parallel_groups[${index}]`, message, limit: true });
      }
      if (group.length > 0) before = group;
    });
  }
}

const SHELL = "shell";
const BATON = "baton";
/** Actions of the module `baton`: the kinds of step without a tool of another server. */
const BATON_KINDS = ["agent", "plan", "human", "gate", "wait"] as const;
/** Fields whose whole text is an expression. */
const BARE = new Set(["checks", "if", "for_each"]);
/** Parameters that other fields express: a step's place in the graph and its kind. */
const SAID_ELSEWHERE: Readonly<Record<string, string>> = {
  key: "the step's name says it",
  kind: "module and action say it",
  needs: "dependencies say it",
};

/** `{{name.output.field[0]}}`, and the same with `steps.` before it; never the `${{ … }}` of a definition. */
const REFERENCE =
  /(?<!\$)\{\{\s*(?:steps\.)?([A-Za-z0-9][A-Za-z0-9_-]*)\.output((?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*)\s*\}\}/g;
/** The same with anything else behind `output`. */
const BROKEN = /(?<!\$)\{\{\s*(?:steps\.)?[A-Za-z0-9][A-Za-z0-9_-]*\.output\b[^}]*\}\}/;

/** Stands where a reference was that has been complained about already. */
const NOTHING = "…";

interface ProblemPath {
  readonly step: string;
  readonly path: string;
}

class Translator {
  readonly #needs: Needs;
  readonly #problems: Problems;

  constructor(needs: Needs, problems: Problems) {
    this.#needs = needs;
    this.#problems = problems;
  }

  step({ name, module, action, parameters }: ComplexStep, index: number): JsonObject {
    const place = { step: name, path: `steps[${index}].parameters` };
    const given = this.#object(parameters, place);
    const at = `steps[${index}].action`;
    if (module === SHELL) {
      if (action !== "run")
        this.#problem({ step: name, path: at }, `the module shell has the action run, not "${action}"`);
      return { key: name, kind: "command", ...this.#ownFields(shellFields(given, parameters), place) };
    }
    if (module !== BATON) return { key: name, kind: "tool", server: module, tool: action, arguments: given };
    if (!BATON_KINDS.some((kind) => kind === action)) {
      const known = BATON_KINDS.join(", ");
      const message = `the module baton has the actions ${known}, not "${action}"${hint(action, BATON_KINDS)}; operations are called by agents, not by steps`;
      this.#problem({ step: name, path: at }, message);
      return { key: name, kind: "agent", prompt: name };
    }
    return { key: name, kind: action, ...this.#ownFields(given, place) };
  }

  /** Refuses parameters that the definition itself sets for such a step. */
  #ownFields(given: JsonObject, { step, path }: ProblemPath): JsonObject {
    for (const [field, by] of Object.entries(SAID_ELSEWHERE)) {
      if (field in given) this.#problem({ step, path: `${path}.${field}` }, `is not said here: ${by}`);
    }
    return Object.fromEntries(Object.entries(given).filter(([field]) => !(field in SAID_ELSEWHERE)));
  }

  #object(value: JsonObject, { step, path }: ProblemPath): JsonObject {
    return Object.fromEntries(
      Object.entries(value).map(([field, entry]) => {
        const bare = BARE.has(field) && path.endsWith(".parameters");
        return [field, this.#value(entry, { step, path: `${path}.${field}` }, bare)];
      }),
    );
  }

  #value(value: unknown, place: ProblemPath, bare: boolean): unknown {
    if (typeof value === "string") return this.#text(value, place, bare);
    if (Array.isArray(value)) {
      return value.map((entry: unknown, at) => this.#value(entry, { ...place, path: `${place.path}[${at}]` }, bare));
    }
    // Parsed JSON: what is neither null nor a list is an object.
    return typeof value === "object" && value !== null ? this.#object(value as JsonObject, place) : value;
  }

  /** A step that reads another's result comes after it, whether that is said or not. */
  #text(text: string, place: ProblemPath, bare: boolean): string {
    const inExpression = bare && !text.includes("${{");
    const rest = text.replace(REFERENCE, (...found: unknown[]) => {
      const [, name, fields, offset] = found as [string, string, string, number];
      const objection = this.#objection(place.step, name);
      if (objection !== undefined) {
        this.#problem(place, `at character ${offset + 1}: ${objection}`);
        return NOTHING;
      }
      const key = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `["${name}"]`;
      const path = `steps${key}.output${fields}`;
      return inExpression ? path : `\${{ ${path} }}`;
    });
    const broken = BROKEN.exec(rest);
    if (broken) {
      const at = text.indexOf(broken[0]) + 1;
      this.#problem(
        place,
        `at character ${at}: ${startOf(broken[0], 100)} is not understood: {{step.output}}, {{step.output.field}} and {{step.output[0]}} are, and \${{ … }} with an expression`,
      );
    }
    return rest;
  }

  /** Why a step cannot read another's result; where it can, it comes after it from now on. */
  #objection(step: string, other: string): string | undefined {
    if (!this.#needs.add(step, other)) return `there is no step "${other}"${this.#needs.hintFor(other)}`;
    return other === step ? "a step cannot read its own result" : undefined;
  }

  #problem({ step, path }: ProblemPath, message: string): void {
    this.#problems.add({ path, step, message });
  }
}

/** A command line is called `run` here and `command` by others. */
function shellFields(given: JsonObject, written: JsonObject): JsonObject {
  if (!("command" in written) || "run" in written) return given;
  const { command, ...rest } = given;
  return { ...rest, run: command };
}

/** A problem of the definition, at the place from which that was made. */
function placed(problem: Problem, { steps }: ComplexWorkflow, made: readonly JsonObject[]): Problem {
  const match = /^steps\[(\d+)\](?:\.([^.[]+))?(.*)$/.exec(problem.path);
  const [, at = "", field, rest = ""] = match ?? [];
  const index = Number(at);
  const step = steps[index];
  if (match === null || step === undefined)
    return problem.cycle === undefined ? problem : { ...problem, path: "dependencies" };
  return { ...problem, path: `steps[${index}]${fieldOf(field, rest, { step, kind: made[index]?.["kind"] })}` };
}

const RENAMED: Readonly<Record<string, string>> = { key: "name", server: "module", kind: "module", tool: "action" };

function fieldOf(
  field: string | undefined,
  rest: string,
  { step, kind }: { readonly step: ComplexStep; readonly kind: unknown },
): string {
  if (field === undefined) return ".parameters";
  const renamed = RENAMED[field];
  if (renamed !== undefined && (field === "key" || kind === "tool")) return `.${renamed}`;
  if (field === "arguments" && kind === "tool") return `.parameters${rest}`;
  if (field === "run" && "command" in step.parameters && !("run" in step.parameters))
    return `.parameters.command${rest}`;
  return `.parameters.${field}${rest}`;
}
