import { evaluate, EvaluationFailed, isExpression, type Values } from "./expressions.js";

/** A text with expressions in it: `Implement ${{ item.name }}.` */
const OPEN = "${{";
const CLOSE = "}}";

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

/** A command line without its expressions: their values reach the command as these variables. */
export interface ShellTemplate {
  readonly run: string;
  readonly variables: Readonly<Record<string, string>>;
}

const VARIABLE = "BATON_VALUE_";

/**
 * Replaces each expression of a command line by a variable, in quotes where it stands in none: what the value holds is then never read
 * by the shell as anything but text. Gives the place, counted from 1, of one in single quotes, where a shell reads no variables.
 */
export function shellTemplate(run: string): ShellTemplate | { readonly inQuotesAt: number } {
  const parts = templateParts(run);
  if ("unclosedAt" in parts) return { run, variables: {} };
  const variables: Record<string, string> = {};
  let line = "";
  let quote: Quote = "";
  for (const part of parts) {
    if (typeof part === "string") {
      quote = quoteAfter(part, quote);
      line += part;
      continue;
    }
    if (quote === "'") return { inQuotesAt: part.at };
    const name = `${VARIABLE}${Object.keys(variables).length + 1}`;
    variables[name] = `${OPEN} ${part.source} ${CLOSE}`;
    line += quote === '"' ? `\${${name}}` : `"\${${name}}"`;
  }
  return { run: line, variables };
}

/** The command line as the shell is given it, and as a pattern is held against it. */
export function shellLine(run: string): string {
  const shell = shellTemplate(run);
  return "inQuotesAt" in shell ? run : shell.run;
}

type Quote = "" | "'" | '"';

/** In which quotes a shell is after a text. */
function quoteAfter(text: string, before: Quote): Quote {
  let quote = before;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "\\" && quote !== "'") at++;
    else if (sign === quote) quote = "";
    else if (quote === "" && (sign === "'" || sign === '"')) quote = sign;
  }
  return quote;
}
