import type { PrimitiveSchemaDefinition } from "@modelcontextprotocol/sdk/types.js";
import { isObject, type JsonObject } from "../../base/json.js";
import { inline, LABEL_CHARS_MAX, REMARK_CHARS_MAX } from "./shown-text.js";

// The form that a step's author wrote, as far as MCP's forms can show it: texts, numbers, choices and ticks, all of them flat.

/** A field of the question's own form. */
export interface OwnField {
  /** Its name in the form on display. */
  readonly name: string;
  /** Its key in the answers. */
  readonly key: string;
  readonly shown: PrimitiveSchemaDefinition;
}

const FIELDS_MAX = 20;
const CHOICES_MAX = 50;
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
/** Fields of Baton's own. */
const BATONS_FIELDS: readonly string[] = ["decision", "conditions", "note"];

export interface OwnFields {
  readonly fields: readonly OwnField[];
  /** Keys of answers that no form can show: required ones, and the others. */
  readonly missing: readonly string[];
  readonly omitted: readonly string[];
}

/** Returns the fields of a form, and the keys of what it asks beside them. */
export function ownFieldsOf(form: JsonObject = {}): OwnFields {
  const properties = isObject(form["properties"]) ? form["properties"] : {};
  const required = new Set(Array.isArray(form["required"]) ? form["required"].map(String) : []);
  const fields: OwnField[] = [];
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
  if (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(key) && !BATONS_FIELDS.includes(key)) return key;
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
