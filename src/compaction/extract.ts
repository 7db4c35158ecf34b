import { startOf } from "../base/texts/stored-values.js";
import type { Encoding } from "./encoding.js";

/** Kinds of content in a window, each with its own way to be shortened. */
export const CONTENT_KINDS = ["message", "code", "requirements", "conversation", "file"] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

export interface ExtractSubject {
  readonly content: string;
  readonly kind: ContentKind;
  /** A file's name, whose ending tells the language. */
  readonly name?: string | undefined;
  readonly language?: string | undefined;
}

/** A part of a content that an extract may have. */
export interface ExtractPart {
  readonly text: string;
  /** Parts with more weight are kept longer. */
  readonly weight: number;
  /** A decision or what obliges: it is kept before all others. */
  readonly isCore?: boolean;
}

export interface Extract {
  readonly text: string;
  readonly tokens: number;
}

/**
 * Returns the core parts and then those that weigh most, as far as they have at most so many tokens together, in their own order;
 * undefined where none has room.
 */
export function fitted(parts: readonly ExtractPart[], max: number, encoding: Encoding): Extract | undefined {
  const order = parts.map((_, at) => at).sort((a, b) => (parts[b]?.weight ?? 0) - (parts[a]?.weight ?? 0) || a - b);
  const isCore = (at: number): boolean => parts[at]?.isCore === true;
  const core = order.filter(isCore);
  const coreTokens = encoding.count(joined(parts, core));
  // Together they may have fewer tokens than one by one.
  const isWhole = coreTokens <= max;
  const chosen: ChosenPart[] = isWhole ? core.map((at) => ({ at, tokens: 0 })) : [];
  let left = isWhole ? max - coreTokens : max;
  for (const at of isWhole ? order.filter((one) => !isCore(one)) : [...core, ...order.filter((one) => !isCore(one))]) {
    if (left < LEAST_TOKENS) break;
    const tokens = encoding.count(`${parts[at]?.text ?? ""}\n`);
    if (tokens > left) continue;
    left -= tokens;
    chosen.push({ at, tokens });
  }
  // The tokens of a text may be more than those of its lines, by a few: signs at the end of one go with those at the next one's beginning.
  while (chosen.length > 0) {
    const text = joined(
      parts,
      chosen.map(({ at }) => at),
    );
    const tokens = encoding.count(text);
    if (tokens <= max) return { text, tokens };
    for (let over = tokens - max; over > 0;) over -= chosen.pop()?.tokens ?? over;
  }
  return undefined;
}

interface ChosenPart {
  readonly at: number;
  readonly tokens: number;
}

/** No line has fewer. */
const LEAST_TOKENS = 2;

function joined(parts: readonly ExtractPart[], chosen: readonly number[]): string {
  return chosen
    .toSorted((a, b) => a - b)
    .map((at) => parts[at]?.text ?? "")
    .join("\n");
}

export function shortened(text: string, chars: number): string {
  const line = text.trim();
  return line.length <= chars ? line : `${startOf(line, chars - 1)}…`;
}
