import { BatonError } from "../../base/errors.js";
import { changeMessage, type ContextMessage, type MessageChange } from "../../store/context-windows/messages.js";
import type { ContextWindow } from "../../store/context-windows/windows.js";
import { lockWindow } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { MESSAGE_TOKENS, settled } from "./windows.js";

/** A message that is shorter is not worth an extract. */
const EXTRACTED_FROM_TOKENS = 40;
/** An extract has at most this share of its content on a first pass, unless its decisions have more. */
const FIRST_SHARE = 0.4;
const LEAST_TOKENS = 16;
/** A compaction that nothing else is said of leaves this share of the tokens at which windows are compacted. */
const TARGET_SHARE = 0.625;

export interface CompactionTerms {
  /** Newest messages that stay as they are, as far as the limit allows it. */
  readonly keepRecent: number;
  /** Tokens that the window is to have at most. */
  readonly target: number;
}

/** A message of a compaction: what it has now, and what it would have. */
export interface Draft {
  readonly message: ContextMessage;
  readonly summary: string | null;
  readonly summaryBy: string | null;
  readonly tokens: number;
  readonly dropped: boolean;
}

export interface ExtractWish {
  readonly draft: Draft;
  /** Tokens of the extract, its message's own included. */
  readonly max: number;
  /** Decisions and what obliges: nothing else, or all of them, however many tokens they have. */
  readonly core?: "only" | "whole";
}

export function defaultTarget(limit: number, threshold: number): number {
  return Math.floor(limit * threshold * TARGET_SHARE);
}

export function draftsOf(messages: readonly ContextMessage[]): Draft[] {
  return messages.map((message) => {
    const { summary, summaryBy, tokens } = message;
    return { message, summary, summaryBy, tokens, dropped: false };
  });
}

export function tokensOfDrafts(drafts: readonly Draft[]): number {
  return drafts.reduce((sum, { tokens, dropped }) => sum + (dropped ? 0 : tokens), 0);
}

/** The messages that a first pass shortens: all but the newest, as far as they are long and were not shortened before. */
export function firstWishes(drafts: readonly Draft[], { keepRecent }: CompactionTerms): ExtractWish[] {
  return older(drafts, keepRecent)
    .filter(({ message, summary }) => summary === null && message.tokens >= EXTRACTED_FROM_TOKENS)
    .map((draft) => ({ draft, max: Math.floor(draft.message.contentTokens * FIRST_SHARE), core: "whole" }));
}

/** The messages that a second pass may shorten. An agent's own summary stays as it is. */
export function shortenable(drafts: readonly Draft[]): Draft[] {
  return drafts.filter(({ tokens, summaryBy }) => tokens >= EXTRACTED_FROM_TOKENS && summaryBy !== "agent");
}

/**
 * The messages that a second pass shortens so far that the window has room: the older ones, and where these leave too little, the
 * newest too. `cores` has the tokens of their decisions, by number: these stay, and what is left is for the rest of each.
 */
export function secondWishes(
  drafts: readonly Draft[],
  terms: CompactionTerms,
  cores: ReadonlyMap<number, number>,
): ExtractWish[] {
  const over = tokensOfDrafts(drafts) - terms.target;
  if (over <= 0) return [];
  const coreOf = ({ message, tokens }: Draft): number =>
    Math.min(tokens, Math.max(LEAST_TOKENS, cores.get(message.number) ?? 0));
  const spareOf = (some: readonly Draft[]): number =>
    some.reduce((sum, draft) => sum + draft.tokens - coreOf(draft), 0);
  const old = shortenable(older(drafts, terms.keepRecent));
  const open = spareOf(old) >= over ? old : shortenable(drafts);
  const share = Math.max(0, 1 - over / Math.max(1, spareOf(open)));
  return open.map((draft) => {
    const core = coreOf(draft);
    return { draft, max: core + Math.floor((draft.tokens - core) * share) };
  });
}

function older(drafts: readonly Draft[], keepRecent: number): readonly Draft[] {
  return drafts.slice(0, Math.max(0, drafts.length - keepRecent));
}

/** Puts extracts in place of contents; one that is not shorter than what stands there changes nothing. */
export function withExtracts(drafts: readonly Draft[], extracts: ReadonlyMap<number, Shortened>): Draft[] {
  return drafts.map((draft) => {
    const extract = extracts.get(draft.message.number);
    if (extract === undefined || extract.tokens >= draft.tokens) return draft;
    return { ...draft, summary: extract.text, summaryBy: "extract", tokens: extract.tokens };
  });
}

export interface Shortened {
  readonly text: string;
  /** Its message's own included. */
  readonly tokens: number;
}

/** Loss by leaving a message out, in the order in which it is put up with. */
export const SAYS = { nothing: 0, something: 1, decision: 2 } as const;
export type Says = (typeof SAYS)[keyof typeof SAYS];

/**
 * Leaves out messages until the others have room, those that say least first, and the oldest of these first; then those that were to
 * stay. The newest one stays.
 */
export function withoutLeast(
  drafts: readonly Draft[],
  { target, keepRecent }: CompactionTerms,
  says: ReadonlyMap<number, Says>,
): Draft[] {
  let over = tokensOfDrafts(drafts) - target;
  const old = older(drafts, Math.max(1, keepRecent));
  const lossOf = ({ message, summaryBy }: Draft): Says =>
    summaryBy === "agent" ? SAYS.decision : (says.get(message.number) ?? SAYS.something);
  const order = [...old.toSorted((a, b) => lossOf(a) - lossOf(b)), ...drafts.slice(old.length, -1)];
  const out = new Set<Draft>();
  for (const draft of order) {
    if (over <= 0) break;
    over -= draft.tokens;
    out.add(draft);
  }
  return drafts.map((draft) => (out.has(draft) ? { ...draft, dropped: true } : draft));
}

/** Short messages of a conversation, which have no extract. */
export function shortTalk(drafts: readonly Draft[]): ContextMessage[] {
  return drafts
    .map(({ message }) => message)
    .filter(
      ({ kind, contentTokens }) =>
        (kind === "message" || kind === "conversation") && contentTokens < EXTRACTED_FROM_TOKENS,
    );
}

/**
 * Puts an agent's own summary in place of all but the newest messages. Errors: `invalid_input` where it is longer than they are, or
 * there are none.
 */
export function withSummary(drafts: readonly Draft[], keepRecent: number, summary: Shortened): Draft[] {
  const old = older(drafts, keepRecent);
  const tokens = tokensOfDrafts(old);
  const last = old.at(-1);
  if (last === undefined || summary.tokens >= tokens)
    throw noGain(old.length, { tokens, own: summary.tokens, keepRecent });
  return drafts.map((draft, at) => {
    if (at >= old.length) return draft;
    if (draft !== last) return { ...draft, dropped: true };
    return { ...draft, summary: summary.text, summaryBy: "agent", tokens: summary.tokens };
  });
}

function noGain(messages: number, facts: { tokens: number; own: number; keepRecent: number }): BatonError {
  const why =
    messages === 0
      ? `the window has no more than its ${facts.keepRecent} newest messages, which stay (keep_recent)`
      : `it has ${facts.own} tokens, and the ${messages} messages in whose place it would stand have ${facts.tokens}`;
  const message = `The summary was not taken: ${why}. Nothing was changed. Write a shorter one, or give a smaller keep_recent.`;
  return new BatonError("invalid_input", message, { details: { path: "summary", messages, ...facts } });
}

export interface Compacted {
  readonly window: ContextWindow;
  readonly summarized: number;
  readonly dropped: number;
}

/** Writes a compaction. A message that another call has changed since stays as that call left it. */
export function* applyCompaction(ctx: EngineContext, window: ContextWindow, drafts: readonly Draft[]): Tx<Compacted> {
  const locked = (yield* lockWindow(window.id)) ?? window;
  let [summarized, dropped] = [0, 0];
  for (const change of changesOf(drafts)) {
    if (!(yield* changeMessage(window.id, change))) continue;
    if (change.dropped) dropped++;
    else summarized++;
  }
  if (summarized + dropped === 0) return { window: locked, summarized, dropped };
  return { window: yield* settled(ctx, { ...locked, compactions: locked.compactions + 1 }), summarized, dropped };
}

function changesOf(drafts: readonly Draft[]): MessageChange[] {
  return drafts.flatMap(({ message, summary, summaryBy, tokens, dropped }) =>
    dropped || summary !== message.summary
      ? [
          {
            number: message.number,
            summary,
            summaryBy,
            tokens: Math.max(tokens, MESSAGE_TOKENS),
            dropped,
            before: message.tokens,
          },
        ]
      : [],
  );
}
