import { parseDuration } from "../../base/durations.js";
import { PRIORITY_NAMES } from "../../base/statuses.js";
import { isObject } from "../../base/json.js";
import type { z } from "zod";
import { wordMeant } from "./foreign-words.js";
import { type Form, formsOf, partOf } from "./schema-forms.js";

/**
 * Returns an input as its schema wants it. Clients that can send only texts, or every parameter, are understood: a value
 * wanted as object, array, number or boolean may come as exactly its JSON text, a list of texts as its only one, a word of a list in
 * capitals or as other systems say it, a priority as its place from 1, the highest, to 4, and null or "" in place of an optional value means that it is absent.
 * Everything else is returned as it came, for the schema to judge.
 */
export function asWanted(schema: z.core.$ZodType, input: Record<string, unknown>): Record<string, unknown> {
  const made = within(formsOf(schema), input);
  return isObject(made) ? made : input;
}

function coerced(schema: z.core.$ZodType, value: unknown): unknown {
  const forms = formsOf(schema);
  return within(forms, typeof value === "string" ? fromText(forms, value) : (priorityOf(forms, value) ?? value));
}

function within(forms: readonly Form[], value: unknown): unknown {
  const [form] = forms.filter(({ type }) => kindOfForm(type) === kindOf(value));
  if (Array.isArray(value)) {
    return form?.type === "array" ? value.map((item: unknown) => coerced(form.element, item)) : value;
  }
  if (!isObject(value) || form === undefined) return value;
  // fromEntries defines each key as the object's own, "__proto__" included.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => {
      const [schema] = partOf(form, key);
      if (schema === undefined) return [[key, part]];
      return isAbsent(schema, part) ? [] : [[key, coerced(schema, key.endsWith("_seconds") ? secondsOf(part) : part)]];
    }),
  );
}

/** The seconds of a duration with its unit. */
function secondsOf(value: unknown): unknown {
  const ms = typeof value === "string" && /[a-z]$/.test(value) ? parseDuration(value) : undefined;
  return ms === undefined ? value : ms / 1_000;
}

function isAbsent(schema: z.core.$ZodType, value: unknown): boolean {
  const isRequired = schema._zod.optin === undefined;
  if (isRequired || (value !== null && value !== "")) return false;
  return !acceptsNull(schema);
}

function acceptsNull(schema: z.core.$ZodType): boolean {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  if (def.type === "nullable" || def.type === "unknown" || def.type === "any" || def.type === "null") return true;
  if (def.type === "optional" || def.type === "default") return acceptsNull(def.innerType);
  return def.type === "union" && def.options.some(acceptsNull);
}

/** Where no text is wanted, the value whose JSON text it is, if it is one of a wanted kind. */
function fromText(forms: readonly Form[], text: string): unknown {
  if (forms.some(({ type }) => isText(type) || kindOfForm(type) === "anything")) return wordOf(forms, text);
  const value = parsed(text);
  return forms.some(({ type }) => kindOfForm(type) === kindOf(value)) ? value : (listOf(forms, text) ?? text);
}

/** The list of which a text is the only element, or the words of a closed list with commas between them. */
function listOf(forms: readonly Form[], text: string): string[] | undefined {
  const list = forms.find((form) => form.type === "array");
  const elements = list?.type === "array" ? formsOf(list.element) : [];
  // The beginning of JSON that cannot be read is a mistake, and no text that was meant.
  if (/^\s*[[{]/.test(text) || !elements.some(({ type }) => isText(type))) return undefined;
  return elements.every(({ type }) => type === "enum") ? text.split(/\s*,\s*/) : [text];
}

/** The word of a list that a text means, or the priority that it is the number of. */
function wordOf(forms: readonly Form[], text: string): string {
  const meant = wordMeant(wordsOf(forms), text);
  return meant ?? priorityOf(forms, /^\d$/.test(text) ? Number(text) : undefined) ?? text;
}

/** The priority of a number, where one is wanted: the first of a queue is served first. */
function priorityOf(forms: readonly Form[], value: unknown): string | undefined {
  if (typeof value !== "number" || wordsOf(forms).join() !== PRIORITY_NAMES.join()) return undefined;
  return PRIORITY_NAMES[value - 1];
}

/** The words of a list where one is wanted and nothing else. */
function wordsOf([form, ...others]: readonly Form[]): unknown[] {
  return form?.type === "enum" && others.length === 0 ? Object.values(form.entries) : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const isText = (type: Form["type"]) => type === "string" || type === "enum" || type === "literal";

function kindOfForm(type: Form["type"]): string {
  switch (type) {
    case "object":
    case "record":
      return "object";
    case "array":
    case "number":
    case "boolean":
    case "string":
      return type;
    case "unknown":
    case "any":
      return "anything";
    default:
      return "other";
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}
