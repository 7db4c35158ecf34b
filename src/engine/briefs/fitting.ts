import type { NextCall } from "../../base/errors.js";
import { shownJson } from "../../base/texts/shown-text.js";
import { startOf } from "../../base/texts/stored-values.js";
import { estimatedTokens } from "./tokens.js";

/** Quotes what an agent wrote, as JSON: nothing in it can end the quotation or its line. */
export type Quote = (value: unknown) => string;

/** A fact in one line; the higher its rank, the sooner it is kept where not all fit. */
export interface BriefEntry {
  readonly rank: number;
  readonly line: (quote: Quote) => string;
}

export interface BriefSection {
  readonly title: string;
  readonly entries: readonly BriefEntry[];
  /** The call that shows what was left out. */
  readonly more: NextCall;
}

export interface CutSection {
  readonly of: string;
  readonly lines: number;
  readonly next: NextCall;
}

export interface FittedBrief {
  readonly brief: string;
  readonly tokens: number;
  readonly cut: readonly CutSection[];
}

/** Characters of each quotation, from generous to tight: the first with which everything fits. */
const QUOTED_CHARS = [600, 300, 160] as const;
const TIGHTEST_CHARS = 90;

/** Tokens kept free, for each section, to say how many of its lines were left out. */
const CUT_TOKENS = 8;

/** Words a brief within a number of tokens: the shorter the quotations the more facts, and then the most useful ones. */
export function fitBrief(head: BriefSection, sections: readonly BriefSection[], tokensMax: number): FittedBrief {
  const all = [head, ...sections.filter(({ entries }) => entries.length > 0)];
  for (const chars of QUOTED_CHARS) {
    const brief = textOf(all, quoteOf(chars));
    const tokens = estimatedTokens(brief);
    if (tokens <= tokensMax) return { brief, tokens, cut: [] };
  }
  return mostUseful(all, tokensMax);
}

function mostUseful(sections: readonly BriefSection[], tokensMax: number): FittedBrief {
  const quote = quoteOf(TIGHTEST_CHARS);
  const ranked = sections
    .flatMap((section) => section.entries.map((entry) => ({ section, entry })))
    .sort((a, b) => b.entry.rank - a.entry.rank);
  const kept = new Set<BriefEntry>();
  const begun = new Set<BriefSection>();
  let left = tokensMax - CUT_TOKENS * sections.length;
  for (const { section, entry } of ranked) {
    const cost =
      estimatedTokens(`- ${entry.line(quote)}\n`) + (begun.has(section) ? 0 : estimatedTokens(`${section.title}:\n`));
    if (cost > left) continue;
    left -= cost;
    begun.add(section);
    kept.add(entry);
  }
  const cut = sections.flatMap(({ title, entries, more }) => {
    const lines = entries.filter((entry) => !kept.has(entry)).length;
    return lines === 0 ? [] : [{ of: title, lines, next: more }];
  });
  const shown = sections
    .map((section) => ({ ...section, entries: section.entries.filter((entry) => kept.has(entry)) }))
    .filter(({ entries }) => entries.length > 0);
  const omitted = cut.map(({ of, lines }) => `${lines} of ${of}`);
  const brief = [textOf(shown, quote), ...(cut.length === 0 ? [] : [`Left out: ${omitted.join(", ")}`])].join("\n");
  return { brief, tokens: estimatedTokens(brief), cut };
}

function textOf(sections: readonly BriefSection[], quote: Quote): string {
  return sections
    .map(({ title, entries }) => [`${title}:`, ...entries.map(({ line }) => `- ${line(quote)}`)].join("\n"))
    .join("\n");
}

function quoteOf(charsMax: number): Quote {
  return (value) => {
    const text = shownJson(value);
    if (text.length <= charsMax) return text;
    return typeof value === "string" ? `${startOf(text, charsMax - 2)}…"` : `${startOf(text, charsMax - 1)}…`;
  };
}
