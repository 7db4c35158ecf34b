import type { Parsed } from "../definitions/definition.js";
import { BatonError } from "../../base/errors.js";
import { mostSimilar } from "./similarity.js";
import { type Entry, requireTemplate, type Template } from "../templates/catalogue.js";

const PREFIX = "template:";

/** The name of the template that a reference to a workflow means; undefined for one to a stored workflow. */
export function templateMeant(reference: string | undefined): string | undefined {
  return reference?.startsWith(PREFIX) === true ? reference.slice(PREFIX.length) : undefined;
}

/** The workflow of a template. Errors: those of `requireTemplate`. */
export function workflowOfTemplate(entries: readonly Entry[], name: string): Parsed {
  const [workflow] = requireTemplate(entries, name, "workflow").workflows;
  if (workflow === undefined) throw new Error(`the workflow template ${name} has no workflow`);
  return workflow;
}

/** The template used where no template's words are found in a goal: parts side by side, then one whole. */
const GENERIC = "fan_out_fan_in";

/** How a goal is divided by a template instead of a planner. */
export interface Decomposition {
  readonly template: Template;
  readonly workflow: Parsed;
  /** `named` by the caller; its words are `fitting`; or nothing fits better. */
  readonly chosen: "named" | "fitting" | "generic";
}

/**
 * The template that divides a goal: the one that is named, or with `auto` the one whose keywords stand in the goal, of several the most
 * similar; where none fits, the generic one. Errors: `not_found`, `invalid_input` for one that needs more than a goal.
 */
export function decompose(entries: readonly Entry[], goal: string, wanted: string): Decomposition {
  if (wanted !== AUTO) {
    const template = requireTemplate(entries, wanted, "workflow");
    if (!takesGoal(template)) throw needsMore(template, entries);
    return { template, workflow: workflowOfTemplate(entries, wanted), chosen: "named" };
  }
  const [fitting] = templatesFitting(entries, goal);
  const generic = goalTemplates(entries).find(({ name }) => name === GENERIC);
  const template = fitting ?? generic;
  if (template === undefined) throw nothingFits(entries);
  return {
    template,
    workflow: workflowOfTemplate(entries, template.name),
    chosen: fitting === undefined ? "generic" : "fitting",
  };
}

export const AUTO = "auto";

/** The workflow templates whose keywords stand in a goal: those with more of them first, of equals the most similar. */
export function templatesFitting(entries: readonly Entry[], goal: string): Template[] {
  const words = ` ${wordsOf(goal).join(" ")} `;
  const found = goalTemplates(entries).flatMap((template) => {
    const hits = template.keywords.filter((keyword) => words.includes(` ${wordsOf(keyword).join(" ")} `)).length;
    return hits === 0 ? [] : [{ template, hits }];
  });
  // Compares the goal with keywords only: common words stand in every description.
  const texts = found.map(({ template: { name, title, keywords } }) => ({
    id: name,
    text: [title, ...keywords].join(" "),
  }));
  const order = mostSimilar(words, texts, texts.length);
  return found
    .toSorted((a, b) => b.hits - a.hits || placeIn(order, a.template.name) - placeIn(order, b.template.name))
    .map(({ template }) => template);
}

function placeIn(order: readonly string[], name: string): number {
  const at = order.indexOf(name);
  return at < 0 ? order.length : at;
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function goalTemplates(entries: readonly Entry[]): Template[] {
  return entries.flatMap(({ template }) => (template !== undefined && takesGoal(template) ? [template] : []));
}

const FILLED = new Set(["goal", "constraints"]);

/** Whether a goal and what must hold are all that it needs. */
function takesGoal({ kind, inputs }: Template): boolean {
  if (kind !== "workflow" || inputs["goal"]?.type !== "string") return false;
  return Object.entries(inputs).every(([name, { required }]) => !required || FILLED.has(name));
}

/** Returns the inputs for a template; `constraints` only where it takes them. */
export function inputsOfGoal(
  { inputs }: Template,
  goal: string,
  constraints: readonly string[],
): Record<string, unknown> {
  return { goal, ...(inputs["constraints"]?.type === "array" ? { constraints } : {}) };
}

function needsMore({ name, inputs }: Template, entries: readonly Entry[]): BatonError {
  const more = Object.entries(inputs).flatMap(([input, { required }]) =>
    required && !FILLED.has(input) ? [input] : [],
  );
  const why = inputs["goal"]?.type === "string" ? `needs ${more.join(", ")} too` : "takes no goal";
  const known = goalTemplates(entries).map((template) => template.name);
  const message = `The template "${name}" ${why}: start it with execute_workflow, workflow template:${name}, or decompose by one of ${known.join(", ")}.`;
  return new BatonError("invalid_input", message, {
    details: { template: name, inputs, templates: known },
    next: [{ tool: "execute_workflow", arguments: { workflow: `${PREFIX}${name}`, inputs: toGive(inputs) } }],
  });
}

/** Returns the required inputs, for the caller to fill in. */
function toGive(inputs: Template["inputs"]): Record<string, string> {
  return Object.fromEntries(Object.entries(inputs).flatMap(([name, { required }]) => (required ? [[name, "…"]] : [])));
}

function nothingFits(entries: readonly Entry[]): BatonError {
  const broken = entries.filter(({ template }) => template === undefined).map(({ name }) => name);
  const message = `No workflow template can be taken for a goal${broken.length > 0 ? ` (broken: ${broken.join(", ")})` : ""}: plan it yourself, without decompose.`;
  return new BatonError("invalid_input", message, {
    next: [{ tool: "query_operation", arguments: { name: "list_templates", arguments: { kind: "workflow" } } }],
  });
}
