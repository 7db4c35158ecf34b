import type {
  ElicitRequestFormParams,
  ElicitResult,
  PrimitiveSchemaDefinition,
} from "@modelcontextprotocol/sdk/types.js";
import type { Question } from "../../engine/escalations/elicitations.js";
import type { Decision } from "./elicitation-host.js";
import { type OwnField, ownFieldsOf } from "./form-fields.js";
import { messageOf } from "./form-message.js";
import { inline, REMARK_CHARS_MAX } from "./shown-text.js";

// Builds the form that a client shows for a question. MCP's forms are flat: texts, numbers, choices and ticks. A question that needs
// more is answered at a terminal, and the form says how.

export interface ElicitationForm {
  readonly params: ElicitRequestFormParams;
  /** Reads the content as a decision; undefined without one. */
  readonly read: (content: ElicitResult["content"]) => Decision | undefined;
}

const NOTE_CHARS_MAX = 2_000;

/** Decisions on each kind of question, and what they mean. An approval has no time limit: closing its form defers it. */
const CHOICES = {
  step: {
    decisions: ["approved", "approved_with_conditions", "rejected", "deferred"],
    meaning:
      "approved: the run goes on; with conditions, later steps are told them. rejected: the step fails. deferred: it stays open for later.",
  },
  escalation: {
    decisions: ["approved", "approved_with_conditions", "rejected", "deferred"],
    meaning:
      "approved: as it is asked; with conditions, they become criteria of the task that waits. rejected: not so. deferred: you are asked again later.",
  },
  approval: {
    decisions: ["approved", "approved_with_conditions", "rejected"],
    meaning: "approved: it is good as it is; with conditions, the agent that asks is told them. rejected: it is not.",
  },
} as const satisfies Record<Question["kind"], { decisions: readonly Decision["decision"][]; meaning: string }>;
/** Decisions on a step whose answers this form cannot take. */
const UNASKABLE = {
  decisions: ["rejected", "deferred"],
  meaning: "rejected: the step fails. deferred: it stays open for later. To approve, see above.",
} as const;

const CONDITIONS = {
  type: "string",
  title: "Conditions",
  description: "For approved_with_conditions: one on each line.",
  maxLength: NOTE_CHARS_MAX,
} as const;
const AMOUNT = {
  type: "number",
  title: "Amount",
  description:
    "US$ by which an approval raises the budget. Empty: by half its limit, or by as much more as unblocks it at that moment.",
  minimum: 0,
} as const;
const NOTE = { type: "string", title: "Note", description: "Why, if you like.", maxLength: NOTE_CHARS_MAX } as const;

export interface Again {
  /** Why the previous content was refused, in Baton's words. */
  readonly problem: string;
  readonly content: NonNullable<ElicitResult["content"]>;
}

/** Returns the form for a question, filled with the previous content where that was refused. */
export function elicitationFormOf(question: Question, again?: Again): ElicitationForm {
  const form = ownFieldsOf(question.kind === "step" ? question.form : undefined);
  const askable = form.missing.length === 0;
  const { decisions, meaning } = askable ? CHOICES[question.kind] : UNASKABLE;
  const own = askable ? form.fields : [];
  const beside: Record<string, PrimitiveSchemaDefinition> = {
    ...Object.fromEntries(own.map(({ name, shown }) => [name, shown])),
    ...(question.kind === "escalation" && question.raisesBudget && { amount: AMOUNT }),
    ...(askable && { conditions: CONDITIONS }),
    note: NOTE,
  };
  const properties: Record<string, PrimitiveSchemaDefinition> = {
    decision: { type: "string", title: "Decision", description: meaning, enum: [...decisions] },
    ...Object.fromEntries(
      Object.entries(beside).map(([name, shown]) => [name, filled(shown, filledIn(again?.content, name))]),
    ),
  };
  return {
    params: {
      mode: "form",
      message: messageOf(question, { ...form, problem: again?.problem }),
      requestedSchema: { type: "object", properties, required: ["decision"] },
    },
    read: (content) => decisionOf(content ?? {}, { decisions, own, isEscalation: question.kind === "escalation" }),
  };
}

/** Returns what tells a person that their answer came too late; nothing is to be filled in. */
export function lateNotice(problem: string): ElicitRequestFormParams {
  return {
    mode: "form",
    message: `Your answer came too late and counts for nothing. ${inline(problem, REMARK_CHARS_MAX)}`,
    requestedSchema: { type: "object", properties: {} },
  };
}

/** Returns the field with the previous content as its default. */
function filled(shown: PrimitiveSchemaDefinition, before: unknown): PrimitiveSchemaDefinition {
  if (isEmpty(before)) return shown;
  if (typeof before === "string" && shown.type === "string") return { ...shown, default: before };
  if (typeof before === "number" && (shown.type === "number" || shown.type === "integer"))
    return { ...shown, default: before };
  if (typeof before === "boolean" && shown.type === "boolean") return { ...shown, default: before };
  return shown;
}

interface FormChoices {
  readonly decisions: readonly Decision["decision"][];
  readonly own: readonly OwnField[];
  readonly isEscalation: boolean;
}

function decisionOf(
  content: Readonly<Record<string, unknown>>,
  { decisions, own, isEscalation }: FormChoices,
): Decision | undefined {
  const chosen = decisions.find((one) => one === content["decision"]);
  if (chosen === undefined) return undefined;
  const { note } = content;
  const conditions = linesOf(filledIn(content, "conditions"));
  const decision = chosen === "approved" && conditions.length > 0 ? "approved_with_conditions" : chosen;
  const approves = decision === "approved" || decision === "approved_with_conditions";
  const amount = isEscalation ? filledIn(content, "amount") : undefined;
  const answers = Object.fromEntries(
    own.flatMap(({ name, key }) => {
      const answer = filledIn(content, name);
      return isEmpty(answer) ? [] : [[key, answer]];
    }),
  );
  return {
    decision,
    ...(decision === "approved_with_conditions" && { conditions }),
    ...(approves && own.length > 0 && { answers }),
    // Text instead of a number is refused with the decision, and not passed over.
    ...(approves && !isEmpty(amount) && { amount: Number(amount) }),
    ...(typeof note === "string" && !isEmpty(note) && { note }),
  };
}

function linesOf(text: unknown): string[] {
  if (typeof text !== "string") return [];
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Reads own fields only: a step's field may be named like an inherited one. */
function filledIn(content: Readonly<Record<string, unknown>> | undefined, name: string): unknown {
  return content !== undefined && Object.hasOwn(content, name) ? content[name] : undefined;
}

/** Clients send an empty field as an empty text. */
function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === "string" && value.trim() === "");
}
