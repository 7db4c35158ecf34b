import { startOf } from "../../base/texts/stored-values.js";
import { ON_FAILURE, PRIORITY_NAMES, STEP_KINDS, type StepKind, TRIGGER_RULES } from "../../base/statuses.js";
import { z } from "zod";
import { GATE_HOLDS } from "./wording.js";
import type { JsonObject } from "../../base/json.js";
import { closedObject } from "../../base/strict-object.js";
import { durationSchema, parseDuration } from "../../base/durations.js";
import { parseInstant } from "../../base/time.js";
import { isName, NAME_LENGTH_MAX, NAME_PATTERN, NAME_RULE } from "../../base/names.js";
import {
  GATE_HABITS,
  HEAD_HABITS,
  HUMAN_HABITS,
  type KindProblem,
  kindMeant,
  knownKind,
  RETRY_HABITS,
  STEP_HABITS,
  TIMEOUT_HABITS,
  WAIT_HABITS,
} from "./habits.js";
import { TOOL_NAME, TOOL_NAME_LENGTH_MAX, TOOL_NAME_RULE } from "../policy/tool-policy.js";

export const INPUT_TYPES = ["string", "number", "integer", "boolean", "array", "object"] as const;

/** How many elements a list of `for_each` may have. */
export const FOR_EACH_MAX = 10_000;

/** A point in time, or a duration from the start of the run. Milliseconds. */
export type Deadline = { readonly at: number } | { readonly after_ms: number };

// The definition as people write it. Every object is closed: a key it does not know is refused with the key that was
// probably meant, or, where the whole product has it and this version has not, with a sentence that says so.

const LATER_KEYS = new Set(["persona", "workspace"]);

const closed = <Shape extends z.core.$ZodLooseShape>(shape: Shape, habits?: Readonly<Record<string, string>>) =>
  closedObject(shape, LATER_KEYS, habits);
const stepOf = <Shape extends z.core.$ZodLooseShape>(shape: Shape, habits = STEP_HABITS) => closed(shape, habits);

// `meta` is for the JSON Schema of workflow-schema.ts, which does not see what only code checks.
const nameSchema = z
  .string()
  .refine(isName, { error: `must be a name: ${NAME_RULE}` })
  .meta({ pattern: NAME_PATTERN.source, maxLength: NAME_LENGTH_MAX });
const labelSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._:/+#-]*$/, {
    error: "must be a label: letters, digits, spaces and ._:/+#-, beginning with a letter or a digit",
  })
  .max(NAME_LENGTH_MAX);
const labelsSchema = z.array(labelSchema).max(64);
const prioritySchema = z.enum(PRIORITY_NAMES);
const durationMs = durationSchema();

const retrySchema = closed(
  {
    initial_interval_ms: durationSchema(0).optional(),
    backoff_coefficient: z.number().min(1).max(100).optional(),
    max_interval_ms: durationSchema(0).optional(),
    max_attempts: z.int().min(1).max(1_000).optional(),
    non_retryable: z.array(z.string().min(1).max(200)).max(100).optional(),
  },
  RETRY_HABITS,
);

const timeoutsSchema = closed(
  {
    schedule_to_start: durationMs.optional(),
    start_to_close: durationMs.optional(),
    schedule_to_close: durationMs.optional(),
    heartbeat: durationMs.optional(),
  },
  TIMEOUT_HABITS,
);

export const deadlineSchema = z
  .union([z.string(), z.number()], { error: "must be a duration or an instant" })
  .transform((value, ctx): Deadline => {
    const after = parseDuration(value);
    if (after !== undefined) return { after_ms: after };
    const at = typeof value === "string" ? parseInstant(value) : undefined;
    if (at !== undefined) return { at };
    const message = `${startOf(JSON.stringify(value), NAME_LENGTH_MAX)} is not a deadline: write a duration from the start of the run, such as "2h", or an instant, such as "2026-01-31T18:00:00Z"`;
    ctx.issues.push({ code: "custom", message, input: value });
    return z.NEVER;
  })
  .meta({ description: 'A duration from the start of the run, such as "2h", or an instant in ISO 8601.' });

const patternSchema = z.string().min(1).max(1_024);
const filesSchema = closed({ write: z.array(patternSchema).optional(), read: z.array(patternSchema).optional() });

export const resourceIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]*$/, {
    error: 'must be letters, digits and . _ @ -, starting with a letter or a digit: "cpu", "gpu_1"',
  })
  .max(NAME_LENGTH_MAX);
const unitSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, {
    error: "must be small letters, digits and _, starting with a letter: cores, gb, units",
  })
  .max(40);
/** Amounts are kept in thousandths, as integers that no sum of them rounds. */
const AMOUNT_MIN = 0.001;
const AMOUNT_MAX = 1_000_000_000;
const AMOUNTS_MAX = 32;
const amountsOf = (min: number) => z.record(unitSchema, z.number().min(min).max(AMOUNT_MAX));
/** How much there is of a resource, by unit. */
export const capacitySchema = amountsOf(0);
/** How much of which resources is required. */
export const requirementsSchema = z
  .record(resourceIdSchema, amountsOf(AMOUNT_MIN))
  .refine((written) => Object.values(written).flatMap(Object.keys).length <= AMOUNTS_MAX, {
    error: `names too many amounts; at most ${AMOUNTS_MAX} fit`,
  });

const inputSchema = closed({
  type: z.enum(INPUT_TYPES),
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  description: z.string().max(2_000).optional(),
  enum: z.array(z.unknown()).min(1).max(1_000).optional(),
});

// Inputs reach a command as environment variables.
const variableSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "must be letters, digits and _, not starting with a digit" })
  .max(64);

/** All but the steps, whose form depends on their kind. */
export const headSchema = closed(
  {
    $schema: z.string().max(2_000).optional(),
    name: nameSchema.optional(),
    description: z.string().max(10_000).optional(),
    inputs: z.record(variableSchema, inputSchema).optional(),
    defaults: closed({
      retry: retrySchema.optional(),
      timeouts: timeoutsSchema.optional(),
      role: labelSchema.optional(),
      requires: labelsSchema.optional(),
      priority: prioritySchema.optional(),
    }).optional(),
    max_parallel: z.int().min(1).max(10_000).optional(),
    on_failure: z.enum(ON_FAILURE).optional(),
    priority: prioritySchema.optional(),
    deadline: deadlineSchema.optional(),
    steps: z.array(z.unknown()).min(1, { error: "a workflow has at least one step" }),
  },
  HEAD_HABITS,
);

const anyStep = {
  key: nameSchema,
  title: z.string().min(1).max(500).optional(),
  needs: z.array(z.string()).optional(),
  trigger: z.enum(TRIGGER_RULES).optional(),
  if: z
    .union([z.boolean(), z.string().min(1)], { error: "must be an expression, such as steps.test.output.passed" })
    .optional(),
  for_each: z
    .union([z.string().min(1), z.array(z.unknown()).max(FOR_EACH_MAX)], {
      error: ({ input }) =>
        Array.isArray(input)
          ? `has ${input.length} elements; at most ${FOR_EACH_MAX} fit`
          : "must be a list, or an expression that gives one: for_each: [1, 2, 3]",
    })
    .optional(),
  role: labelSchema.optional(),
  requires: labelsSchema.optional(),
  files: filesSchema.optional(),
  priority: prioritySchema.optional(),
  deadline: deadlineSchema.optional(),
  estimate_ms: durationSchema(0).optional(),
  phase: labelSchema.optional(),
  type: labelSchema.optional(),
  retry: retrySchema.optional(),
  timeouts: timeoutsSchema.optional(),
  output: z
    .union([z.boolean(), z.record(z.string(), z.unknown())], {
      error: "must be a JSON Schema: output: { type: string }",
    })
    .optional(),
  criteria: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(100)], { error: "must be a text or a list of texts" })
    .optional(),
  compensate: z.record(z.string(), z.unknown()).optional().meta({
    description: "A step without key and needs that undoes this one, when the run fails and is to compensate.",
  }),
};

/** Reviews at one tier where a step does not say how many. */
export const REVIEW_ROUNDS = 3;
const REVIEW_ROUNDS_MAX = 20;
const REVIEW_CRITERIA_MAX = 50;

export const reviewSchema = closed({
  by: labelSchema,
  max_rounds: z.int().min(1).max(REVIEW_ROUNDS_MAX).optional(),
  criteria: z
    .union([z.string().min(1), z.array(z.string().min(1).max(2_000)).max(REVIEW_CRITERIA_MAX)], {
      error: "must be a text or a list of texts",
    })
    .optional(),
});
export type WrittenReview = z.output<typeof reviewSchema>;

const takerKeys = z.array(z.string().min(1).max(200)).min(1).max(100).optional();
/** Fields of the kinds of step that an agent or an executor carries out. */
const carriedOut = { ...anyStep, resources: requirementsSchema.optional(), parallelizable: z.boolean().optional() };
const share = z.number().min(0).max(1).optional();
/** Fields of the kinds of step that agents claim. */
const claimed = {
  ...carriedOut,
  not_by: takerKeys,
  prefer_by: takerKeys,
  cognitive_style: labelSchema.optional(),
  creativity: share,
  analytical_depth: share,
  collaboration: share,
  quality: share,
};

const agentStep = stepOf({
  ...claimed,
  kind: z.literal("agent").optional(),
  prompt: z.string().min(1),
  review: reviewSchema.optional(),
});

const relativeDirectory = z
  .string()
  .min(1)
  .refine((value) => !/^([\\/]|[A-Za-z]:)/.test(value) && !value.split(/[\\/]/).includes(".."), {
    error: "must be a directory inside the project, relative to its root",
  });

const commandStep = stepOf({
  ...carriedOut,
  kind: z.literal("command"),
  run: z.string().min(1),
  cwd: relativeDirectory.optional(),
  env: z
    .record(
      variableSchema.refine((name) => !name.toUpperCase().startsWith("BATON_"), {
        error: "names that start with BATON_ are the server's",
      }),
      z.string(),
    )
    .optional(),
  shell: z.enum(["sh", "bash"], { error: 'must be "sh" or "bash"' }).optional(),
});

const toolStep = stepOf({
  ...carriedOut,
  kind: z.literal("tool"),
  // Literal, both: what a workflow may call stands in its definition, and no result of a step decides about it.
  server: nameSchema,
  tool: z
    .string()
    .regex(TOOL_NAME, { error: `must be the name of a tool: ${TOOL_NAME_RULE}` })
    .max(TOOL_NAME_LENGTH_MAX),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

const planStep = stepOf({ ...claimed, kind: z.literal("plan"), prompt: z.string().min(1) });

const DEFAULT_STEP_DECISIONS = ["reject", "approve"] as const;

const humanStep = stepOf(
  {
    ...anyStep,
    kind: z.literal("human"),
    ask: z.string().min(1),
    form: z.record(z.string(), z.unknown()).optional(),
    default_decision: z.enum(DEFAULT_STEP_DECISIONS).optional(),
  },
  HUMAN_HABITS,
);

const gateStep = stepOf(
  {
    ...anyStep,
    kind: z.literal("gate"),
    checks: z.array(z.string().min(1)).min(1).max(100).optional(),
    reviews: takerKeys,
    gate_type: z
      .literal("code_review", { error: "must be code_review: the steps that it needs are approved" })
      .optional(),
  },
  GATE_HABITS,
)
  .refine(({ checks, reviews, gate_type }) => (checks ?? reviews ?? gate_type) !== undefined, {
    path: ["checks"],
    error: `is missing: ${GATE_HOLDS}`,
  })
  .meta({ anyOf: ["checks", "reviews", "gate_type"].map((key) => ({ required: [key] })) });

const waitStep = stepOf(
  {
    ...anyStep,
    kind: z.literal("wait"),
    for: z.union([z.string().min(1), z.number()]).optional(),
    until: z.string().min(1).optional(),
    event: nameSchema.optional(),
  },
  WAIT_HABITS,
)
  .refine((step) => [step.for, step.until, step.event].filter((one) => one !== undefined).length === 1, {
    error: "a wait says one of: for (a duration), until (an instant), event (a name)",
  })
  .meta({ oneOf: ["for", "until", "event"].map((key) => ({ required: [key] })) });

const workflowStep = stepOf({
  ...anyStep,
  kind: z.literal("workflow"),
  workflow: nameSchema,
  inputs: z.record(variableSchema, z.unknown()).optional(),
});

const SCHEMAS = {
  agent: agentStep,
  command: commandStep,
  tool: toolStep,
  human: humanStep,
  gate: gateStep,
  wait: waitStep,
  plan: planStep,
  workflow: workflowStep,
} as const;

export type Head = z.output<typeof headSchema>;
export type Defaults = NonNullable<Head["defaults"]>;
export type WrittenStep = z.output<(typeof SCHEMAS)[StepKind]>;

/** The schema of a step, chosen by what it says it is; or why there is none. */
export function stepSchema(written: JsonObject): (typeof SCHEMAS)[StepKind] | KindProblem {
  const { kind } = written;
  if (kind === undefined) return kindMeant(written) ?? agentStep;
  if (typeof kind !== "string")
    return { field: "kind", message: `must be a text: understood are ${STEP_KINDS.join(", ")}` };
  return Object.hasOwn(SCHEMAS, kind) ? SCHEMAS[kind as StepKind] : knownKind(written, kind);
}
