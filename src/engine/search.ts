import { isObject } from "../base/json.js";
import { HIT_KINDS, type HitKind } from "../base/statuses.js";
import { type Hit, hitsOf } from "../store/search.js";
import { together, type Tx } from "../store/tx.js";
import type { EngineContext } from "./context.js";
import { findProject } from "./projects/projects.js";

export interface SearchRequest {
  readonly text: string;
  readonly kinds?: readonly HitKind[] | undefined;
  /** Default: all of them. */
  readonly project?: string | undefined;
  /** The most of each kind. */
  readonly limit: number;
}

export interface FoundText extends Omit<Hit, "body"> {
  /** The text around what was found, where the title does not have it. */
  readonly excerpt?: string;
}

export interface SearchResult {
  /** Kind by kind, newest first. */
  readonly found: readonly FoundText[];
  /** Kinds of which there is more. */
  readonly more: readonly HitKind[];
}

/**
 * Finds a text in names, titles, prompts, questions, errors, messages and the history, among the newest rows of each. A query.
 * Messages to one agent are found by its two sides and by a person. Errors: `not_found` for an unknown project.
 */
export function* search(
  ctx: EngineContext,
  { text, kinds = HIT_KINDS, project, limit }: SearchRequest,
): Tx<SearchResult> {
  const within = project === undefined ? undefined : (yield* findProject(ctx, project))?.id;
  const reader = ctx.caller.channel === "human" ? undefined : ctx.caller.agent;
  const asked = { text, project: within, reader, limit: limit + 1 };
  const hits = yield* together(kinds.map((kind) => hitsOf(kind, asked)));
  return {
    found: hits.flatMap((ofKind) => ofKind.slice(0, limit).map((hit) => shortened(hit, text))),
    more: kinds.filter((_, at) => (hits[at]?.length ?? 0) > limit),
  };
}

const TITLE_CHARS_MAX = 200;
const AROUND_CHARS = 80;

function shortened({ body, title, ...hit }: Hit, text: string): FoundText {
  const lower = text.toLowerCase();
  const excerpt = title.toLowerCase().includes(lower) ? undefined : excerptOf(body ?? "", lower);
  return { ...hit, title: title.slice(0, TITLE_CHARS_MAX), ...(excerpt !== undefined && { excerpt }) };
}

/** The part of a text around what was found in it; of JSON, of the first text in it that has it. */
function excerptOf(body: string, lower: string): string | undefined {
  const found = textsIn(body).find((one) => one.toLowerCase().includes(lower));
  if (found === undefined) return undefined;
  const at = found.toLowerCase().indexOf(lower);
  const [from, to] = [Math.max(0, at - AROUND_CHARS), at + lower.length + AROUND_CHARS];
  return `${from > 0 ? "…" : ""}${found.slice(from, to).trim()}${to < found.length ? "…" : ""}`;
}

function textsIn(body: string): readonly string[] {
  if (!/^[[{]/.test(body)) return [body];
  try {
    return leavesOf(JSON.parse(body));
  } catch (error) {
    // A text may begin like JSON.
    if (error instanceof SyntaxError) return [body];
    throw error;
  }
}

/** The texts of a value. The token of a task's attempt is a number, and so none of them. */
function leavesOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(leavesOf);
  return isObject(value) ? Object.values(value).flatMap(leavesOf) : [];
}
