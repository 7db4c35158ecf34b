import { evaluate, EvaluationFailed, isExpression, type Values } from "./expressions.js";

/** A text with expressions in it: `Implement ${{ item.name }}.` */
export const OPEN = "${{";
export const CLOSE = "}}";

export interface Placed {
  readonly source: string;
  /** Where the expression begins in the text, counted from 1. */
  readonly at: number;
}

export type Part = string | Placed;

export function isTemplate(value: unknown): value is string {
  return typeof value === "string" && value.includes(OPEN);
}

const ENDS_TRIED_MAX = 20;

/** The parts of a text, or where an expression in it has no end. */
export function templateParts(text: string): readonly Part[] | { readonly unclosedAt: number } {
  const parts: Part[] = [];
  let from = 0;
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, from)) {
    if (open > from) parts.push(text.slice(from, open));
    const begin = open + OPEN.length;
    const end = endOf(text, begin);
    if (end < 0) return { unclosedAt: open + 1 };
    const written = text.slice(begin, end);
    const source = written.trim();
    parts.push({ source, at: begin + written.indexOf(source) + 1 });
    from = end + CLOSE.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/** An expression may itself hold `}}`, in a map or a text: it ends at the first at which it is whole. */
function endOf(text: string, begin: number): number {
  const first = text.indexOf(CLOSE, begin);
  let end = first;
  for (let tried = 0; end >= 0 && tried < ENDS_TRIED_MAX; tried++) {
    if (isExpression(text.slice(begin, end).trim())) return end;
    end = text.indexOf(CLOSE, end + 1);
  }
  return first;
}

/** The value of a text: of one that is just one expression that expression's, with its type; else a text. Throws `EvaluationFailed`. */
export function fillIn(text: string, values: Values): unknown {
  const parts = templateParts(text);
  if ("unclosedAt" in parts) throw new EvaluationFailed(text, "has no end");
  const [only] = parts;
  if (parts.length === 1 && typeof only === "object") return evaluate(only.source, values);
  return parts.map((part) => (typeof part === "string" ? part : textOf(evaluate(part.source, values)))).join("");
}

/** The same as a text, whatever its type. */
export function fillInText(text: string, values: Values): string {
  return textOf(fillIn(text, values));
}

/** Fills in every text of a structure. */
export function fillInAll(value: unknown, values: Values): unknown {
  if (isTemplate(value)) return fillIn(value, values);
  if (Array.isArray(value)) return value.map((entry) => fillInAll(entry, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillInAll(entry, values)]));
}

/** A value inside a text. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null || value === undefined ? "" : JSON.stringify(value);
}
