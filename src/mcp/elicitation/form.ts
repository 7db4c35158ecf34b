import type {
  ElicitRequestFormParams,
  ElicitResult,
  PrimitiveSchemaDefinition,
} from "@modelcontextprotocol/sdk/types.js";
import { isObject, type JsonObject } from "../../base/json.js";
import type { Question } from "../../engine/escalations/elicitations.js";
import type { Decision } from "./elicitation-host.js";
import { block, inline } from "./shown-text.js";

// Builds the form that a client shows for a question. MCP's forms are flat: texts, numbers, choices and ticks. A question that needs
// more is answered at a terminal, and the form says how.

/** A field of the question's own form. */
interface Field {
  /** Its name in the form on display. */
  readonly name: string;
  /** Its key in the answers. */
  readonly key: string;
  readonly shown: PrimitiveSchemaDefinition;
}

export interface ElicitationForm {
  readonly params: ElicitRequestFormParams;
  /** Reads the content as a decision; undefined without one. */
  readonly read: (content: ElicitResult["content"]) => Decision | undefined;
}

const LABEL_CHARS_MAX = 100;
const REMARK_CHARS_MAX = 300;
const NOTE_CHARS_MAX = 2_000;
const FIELDS_MAX = 20;
const CHOICES_MAX = 50;
const NAMED_MAX = 10;
/** Keywords about all answers together, which a form of single fields cannot show. */
const WHOLE_KEYWORDS = [
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "dependentRequired",
  "dependentSchemas",
  "minProperties",
] as const;
const DECISIONS = ["approved", "approved_with_conditions", "rejected", "deferred"] as const;
/** Fields of Baton's own. */
const OWN_FIELDS: readonly string[] = ["decision", "conditions", "note"];

export interface Again {
  /** Why the previous content was refused, in Baton's words. */
  readonly problem: string;
  readonly content: NonNullable<ElicitResult["content"]>;
}

/** Returns the form for a question, filled with the previous content where that was refused. */
export function elicitationFormOf(question: Question, again?: Again): ElicitationForm {
  const form = fieldsOf(question.form);
  const askable = form.missing.length === 0;
  const own = askable ? form.fields : [];
  const decision = {
    type: "string" as const,
    title: "Decision",
    description: askable
      ? "approved: the run goes on; with conditions, later steps are told them. rejected: the step fails. deferred: it stays open for later."
      : "rejected: the step fails. deferred: it stays open for later. To approve, see above.",
    enum: askable ? [...DECISIONS] : ["rejected", "deferred"],
  };
  const conditions = {
    type: "string" as const,
    title: "Conditions",
    description: "For approved_with_conditions: one on each line.",
    maxLength: NOTE_CHARS_MAX,
  };
  const note = { type: "string" as const, title: "Note", description: "Why, if you like.", maxLength: NOTE_CHARS_MAX };
  const properties: Record<string, PrimitiveSchemaDefinition> = {
    decision,
    ...Object.fromEntries(own.map(({ name, shown }) => [name, filled(shown, filledIn(again?.content, name))])),
    ...(askable && { conditions: filled(conditions, filledIn(again?.content, "conditions")) }),
    note: filled(note, filledIn(again?.content, "note")),
  };
  return {
    params: {
      mode: "form",
      message: messageOf(question, { ...form, problem: again?.problem }),
      requestedSchema: { type: "object", properties, required: ["decision"] },
    },
    read: (content) => decisionOf(content ?? {}, own),
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

function decisionOf(content: Readonly<Record<string, unknown>>, fields: readonly Field[]): Decision | undefined {
  const chosen = DECISIONS.find((one) => one === content["decision"]);
  if (chosen === undefined) return undefined;
  const { note } = content;
  const conditions = linesOf(filledIn(content, "conditions"));
  const decision = chosen === "approved" && conditions.length > 0 ? "approved_with_conditions" : chosen;
  const approves = decision === "approved" || decision === "approved_with_conditions";
  const answers = Object.fromEntries(
    fields.flatMap(({ name, key }) => {
      const answer = filledIn(content, name);
      return isEmpty(answer) ? [] : [[key, answer]];
    }),
  );
  return {
    decision,
    ...(decision === "approved_with_conditions" && { conditions }),
    ...(approves && fields.length > 0 && { answers }),
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

interface Beside extends Fields {
  readonly problem: string | undefined;
}

function messageOf(question: Question, { missing, omitted, problem }: Beside): string {
  const { id, run, ask, until, defaultDecision } = question;
  const counts = defaultDecision === "approve" ? "approved" : "rejected";
  const name = (text: string): string => `"${inline(text, LABEL_CHARS_MAX)}"`;
  const names = (all: readonly string[]): string => all.slice(0, NAMED_MAX).map(name).join(", ");
  const { text, left } = block(ask);
  const command = `baton approve ${id}`;
  const parts = [
    problem === undefined ? "" : `Refused: ${inline(problem, REMARK_CHARS_MAX)}`,
    `Step ${name(question.key)} of run ${name(run.name)} in project ${name(question.project)} waits for your decision. ` +
      `${name(question.startedBy)} started the run. The question:`,
    text,
    left === 0
      ? ""
      : `${left} more characters are not shown. Read them first: baton call list_escalations --run ${run.id}`,
    missing.length === 0
      ? ""
      : `It asks for what this form cannot show: ${names(missing)}. To approve, use a terminal.`,
    omitted.length === 0
      ? ""
      : `It takes more than this form can show: ${names(omitted)}. That can be given at a terminal.`,
    "The question is the workflow's, which an assistant may have written, and not Baton's. Assistants read what you enter: no passwords, no keys.",
    (until === null ? "" : `Without a decision by ${timeOf(until)} it counts as ${counts}. `) +
      `Close this form to leave it open. At a terminal: ${command}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

interface Fields {
  readonly fields: readonly Field[];
  /** Keys of answers that no form can show: required ones, and the others. */
  readonly missing: readonly string[];
  readonly omitted: readonly string[];
}

function fieldsOf(form: JsonObject = {}): Fields {
  const properties = isObject(form["properties"]) ? form["properties"] : {};
  const required = new Set(Array.isArray(form["required"]) ? form["required"].map(String) : []);
  const fields: Field[] = [];
  const unshown = new Set([...required].filter((key) => !Object.hasOwn(properties, key)));
  for (const keyword of WHOLE_KEYWORDS) {
    if (form[keyword] === undefined) continue;
    required.add(keyword);
    unshown.add(keyword);
  }
  for (const [key, schema] of Object.entries(properties)) {
    const shown = fields.length < FIELDS_MAX ? shownField(key, schema, required.has(key)) : undefined;
    if (shown === undefined) unshown.add(key);
    else fields.push({ name: fieldName(key, properties, fields.length), key, shown });
  }
  const [missing, omitted] = [true, false].map((needed) => [...unshown].filter((key) => required.has(key) === needed));
  return { fields, missing: missing ?? [], omitted: omitted ?? [] };
}

/** A plain name is kept, unless it is one of Baton's own fields. */
function fieldName(key: string, properties: JsonObject, at: number): string {
  if (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(key) && !OWN_FIELDS.includes(key)) return key;
  let name = `answer_${at + 1}`;
  while (Object.hasOwn(properties, name)) name = `${name}_`;
  return name;
}

/**
 * Undefined for what is more than a text, a number, a choice or a tick. What of it is not shown is checked all the same. What
 * is to be filled in already is seen for what it is; a tick is the person's own.
 */
function shownField(key: string, schema: unknown, required: boolean): PrimitiveSchemaDefinition | undefined {
  if (!isObject(schema)) return undefined;
  const { type, title, description, enum: choices } = schema;
  const remark = [
    typeof description === "string" ? inline(description, REMARK_CHARS_MAX) : "",
    required ? "(needed to approve)" : "",
  ];
  const said = remark.filter((part) => part !== "").join(" ");
  // The prefix tells it from Baton's own fields, whatever its title.
  const label = { title: `Answer: ${inline(typeof title === "string" ? title : key, LABEL_CHARS_MAX)}` };
  const about = said === "" ? label : { ...label, description: said };
  if (choices !== undefined) return shownChoice(choices, { type, about });
  if (type === "boolean") return { type, ...about };
  const given = schema["default"];
  if (type === "number" || type === "integer")
    return {
      type,
      ...about,
      ...bounds(schema, ["minimum", "maximum"]),
      ...(typeof given === "number" && { default: given }),
    };
  if (type !== "string") return undefined;
  const plain = typeof given === "string" && inline(given, REMARK_CHARS_MAX) === given;
  return { type, ...about, ...bounds(schema, ["minLength", "maxLength"]), ...(plain && { default: given }) };
}

function shownChoice(
  choices: unknown,
  { type, about }: { type: unknown; about: { title: string; description?: string } },
): PrimitiveSchemaDefinition | undefined {
  if ((type !== undefined && type !== "string") || !Array.isArray(choices) || choices.length > CHOICES_MAX)
    return undefined;
  // A choice is the answer itself, so it is shown verbatim or not at all.
  const plain = choices.filter((one): one is string => typeof one === "string" && inline(one, LABEL_CHARS_MAX) === one);
  return plain.length === choices.length ? { type: "string", ...about, enum: plain } : undefined;
}

function bounds(schema: JsonObject, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const bound = schema[name];
      return typeof bound === "number" ? [[name, bound]] : [];
    }),
  );
}
