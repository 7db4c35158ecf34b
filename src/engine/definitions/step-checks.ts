import type { StepKind } from "../../base/statuses.js";
import { stepSchema, type WrittenStep } from "./schema.js";
import { startOf } from "../../base/texts/stored-values.js";
import { hint, NAME_LENGTH_MAX } from "../../base/names.js";
import { defined, type JsonObject } from "../../base/json.js";
import { addSchemaProblems } from "./json-schema.js";
import { Problems, zodProblems } from "../../base/problems.js";
import { withoutMissing, wordIssue } from "./wording.js";
import { SERVER } from "../context.js";
import { checkOutput } from "./output-check.js";
import type { StepLinks } from "../graph/problems.js";
import type { Settings } from "../../base/settings.js";

/** Settings for definitions: their bounds, and the defaults of a step. */
export type DefinitionLimits = Pick<
  Settings,
  "open_tasks_max" | "depth_max" | "payload_bytes_max" | "patterns_max" | "retry_attempts" | "task_timeout_ms"
>;

type HumanStep = Extract<WrittenStep, { readonly kind: "human" }>;

/** Where a step stands, and what it is held against. */
export interface StepChecks {
  readonly at: string;
  readonly limits: DefinitionLimits;
  readonly problems: Problems;
}

/** Reads a step as it was written, and adds its problems. Undefined where it is no step. */
export function parseStep(step: JsonObject, checks: StepChecks): WrittenStep | undefined {
  const { at, problems } = checks;
  const named = nameOf(step);
  const schema = stepSchema(step);
  if ("field" in schema) {
    const { field, message, readAs } = schema;
    problems.add({ path: `${at}.${field}`, ...defined({ step: named }), message });
    addOtherProblems(readAs, checks);
    return undefined;
  }
  const parsed = schema.safeParse(step, { error: wordIssue });
  if (!parsed.success) {
    withoutMissing(zodProblems(parsed.error, [at], named), step).forEach((problem) => problems.add(problem));
    return undefined;
  }
  addStepProblems(parsed.data, checks);
  return parsed.data;
}

/** How a person finds the step in their text: by its key, or by what stands for it in other systems. */
function nameOf(step: JsonObject): string | undefined {
  const name = ["key", "id", "name", "task_id"].map((field) => step[field]).find((one) => one !== undefined);
  return typeof name === "string" || typeof name === "number" ? startOf(String(name), NAME_LENGTH_MAX) : undefined;
}

/** Adds what else is wrong with a step that has no kind, as far as it is wrong whatever its kind. */
function addOtherProblems(readAs: JsonObject | undefined, checks: StepChecks): void {
  if (readAs === undefined) return;
  const others = new Problems();
  parseStep(readAs, { ...checks, problems: others });
  for (const problem of others.list()) if (!problem.message.startsWith("is missing")) checks.problems.add(problem);
}

/** Adds the problems of one step that no schema expresses: sizes, and the schemas of its result and its form. */
function addStepProblems(step: WrittenStep, { at, limits, problems }: StepChecks): void {
  const bytes = Buffer.byteLength(JSON.stringify(step));
  if (bytes > limits.payload_bytes_max) {
    const message = `takes ${bytes} bytes, the limit is ${limits.payload_bytes_max}: put large texts into files`;
    problems.add({ path: at, step: step.key, message, limit: true });
  }
  const patterns = (step.files?.write?.length ?? 0) + (step.files?.read?.length ?? 0);
  if (patterns > limits.patterns_max) {
    const message = `${patterns} patterns, the limit is ${limits.patterns_max}: name directories`;
    problems.add({ path: `${at}.files`, step: step.key, message, limit: true });
  }
  if (step.output !== undefined) {
    addSchemaProblems(step.output, { path: `${at}.output`, step: step.key, problems });
    addResultProblems(step, { at, limits, problems });
  }
  if (step.kind === "human" && step.form !== undefined) addFormProblems(step.key, step.form, { at, limits, problems });
  if (step.kind === "human" && step.default_decision !== undefined) addDefaultProblems(step, { at, problems });
}

/** The result of a human step that is approved because its time is over. */
export const DEFAULT_APPROVAL = {
  decision: "approved",
  note: "approved by default: its time was over without a decision",
  by: SERVER,
} as const;

/** Adds a problem for a default decision that is never taken, or without the answers that its step asks for. */
function addDefaultProblems(step: HumanStep, { at, problems }: Pick<StepChecks, "at" | "problems">): void {
  const { key, timeouts, default_decision, form = true, output = true } = step;
  const path = `${at}.default_decision`;
  if (timeouts?.schedule_to_close === undefined)
    problems.add({ path, step: key, message: "needs a time limit: timeouts: { schedule_to_close: 3d }" });
  // A schema that is wrong itself cannot be held against anything.
  if (default_decision !== "approve" || problems.count > 0) return;
  const misfits = [...checkOutput(form, {}, "answers"), ...checkOutput(output, DEFAULT_APPROVAL)];
  for (const { path: field, message } of misfits)
    problems.add({
      path,
      step: key,
      message: `approve gives no answers, and ${field} ${message}: leave it out, or reject`,
    });
}

/** Keys in the results of the kinds whose results the server writes. */
const RESULTS: Readonly<Partial<Record<StepKind, readonly string[]>>> = {
  human: ["decision", "answers", "conditions", "note", "by"],
  wait: ["event", "payload"],
  workflow: ["run", "status", "steps", "too_large_bytes"],
};

/** Adds a problem where the server writes the result and the schema can never fit it. */
function addResultProblems(step: WrittenStep, { at, problems }: StepChecks): void {
  const { key, output } = step;
  const add = (path: string, message: string) => problems.add({ path: `${at}.${path}`, step: key, message });
  if (step.kind === "gate") return add("output", "the result of a gate is that of its checks: leave it out");
  if (step.kind === "wait" && step.event === undefined)
    return add("output", "the result of a timer is its time, which needs no check: leave it out");
  const known = step.kind === undefined ? undefined : RESULTS[step.kind];
  const required = typeof output === "object" ? output["required"] : undefined;
  if (known === undefined || !Array.isArray(required)) return;
  required.forEach((name: unknown, index) => {
    if (typeof name !== "string" || known.includes(name)) return;
    const message = `the result of a ${step.kind} step never has "${name}"${hint(name, known)}: it may have ${known.join(", ")}`;
    add(`output.required[${index}]`, message);
  });
}

/** A form that no answers can fit, or of which not everything would be checked. */
function addFormProblems(step: string, form: Readonly<Record<string, unknown>>, { at, problems }: StepChecks): void {
  const path = `${at}.form`;
  const before = problems.count;
  addSchemaProblems(form, { path, step, problems });
  if (problems.count > before || form["type"] === undefined || form["type"] === "object") return;
  problems.add({ path: `${path}.type`, step, message: 'must be "object": each answer has a name' });
}

/** Adds a problem for each key of not_by and prefer_by that is no other step. */
export function addTakerProblems(
  steps: readonly { readonly index: number; readonly step: WrittenStep }[],
  links: readonly { readonly key: string | undefined }[],
  problems: Problems,
): void {
  const known = new Set(links.flatMap(({ key }) => key ?? []));
  for (const { index, step } of steps) {
    if (!("not_by" in step) && !("prefer_by" in step)) continue;
    const { not_by, prefer_by } = step;
    for (const [field, keys = []] of Object.entries({ not_by, prefer_by })) {
      keys.forEach((key, at) => {
        if (key !== step.key && known.has(key)) return;
        const path = `steps[${index}].${field}[${at}]`;
        const unknown = `names "${key}", which is not a step${hint(key, known)}`;
        problems.add({ path, step: step.key, message: key === step.key ? "names the step itself" : unknown });
      });
    }
  }
}

/** Adds a problem for each key in the reviews of a gate that is no agent step before it: its review would not be there in time. */
export function addReviewGateProblems(
  steps: readonly { readonly index: number; readonly step: WrittenStep }[],
  links: readonly StepLinks[],
  problems: Problems,
): void {
  const byKey = new Map(links.flatMap((link) => (link.key === undefined ? [] : [[link.key, link] as const])));
  const kinds = new Map(steps.map(({ step }) => [step.key, step.kind ?? "agent"]));
  for (const { index, step } of steps) {
    if (step.kind !== "gate" || step.reviews === undefined) continue;
    const before = ancestorsOf(step.needs ?? [], byKey);
    step.reviews.forEach((key, at) => {
      const kind = kinds.get(key) ?? "agent";
      const why = !byKey.has(key)
        ? `is not a step${hint(key, byKey.keys())}`
        : kind !== "agent"
          ? `is a ${kind} step, and only agent steps are reviewed`
          : before.has(key)
            ? undefined
            : "does not come before the gate: add it to needs";
      if (why === undefined) return;
      problems.add({ path: `steps[${index}].reviews[${at}]`, step: step.key, message: `names "${key}", which ${why}` });
    });
  }
}

function ancestorsOf(needs: readonly string[], links: ReadonlyMap<string, StepLinks>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...needs];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    open.push(...(links.get(key)?.needs ?? []));
  }
  return found;
}
