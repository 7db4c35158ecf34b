import { familyOf, tokensOf, tokensWithin } from "../compaction/families.js";
import { conversationParts } from "../compaction/conversation.js";
import type { ContentKind } from "../compaction/extract.js";
import {
  applyCompaction,
  type CompactionTerms,
  defaultTarget,
  type Draft,
  draftsOf,
  type ExtractWish,
  firstWishes,
  SAYS,
  type Says,
  secondWishes,
  shortenable,
  type Shortened,
  shortTalk,
  tokensOfDrafts,
  withExtracts,
  withoutLeast,
  withSummary,
} from "../engine/context-windows/compaction.js";
import { messagesHeld, readOriginals } from "../engine/context-windows/reading.js";
import { type ContextWindow, MESSAGE_TOKENS, windowView } from "../engine/context-windows/windows.js";
import type { HostWith } from "../dispatch/operation.js";

/** Bytes of contents that are shortened at once. */
const BATCH_BYTES = 4_194_304;

export interface CompactionOrder {
  readonly keep_recent: number;
  /** Default: five eighths of the tokens at which windows are compacted. */
  readonly target_tokens?: number | undefined;
  /** The agent's own summary of all but the newest messages. */
  readonly summary?: string | undefined;
}

type TextHost = HostWith<"texts">;

/** Compacts a window: what is shortened is worked out before the transaction, which takes what is still as it was. */
export async function compactWindow(host: TextHost, window: ContextWindow, order: CompactionOrder) {
  const { drafts, target } = await host.read(function* (ctx) {
    const wanted = order.target_tokens ?? defaultTarget(window.tokenLimit, ctx.settings.context_compaction_threshold);
    return { drafts: draftsOf(yield* messagesHeld(window)), target: Math.min(wanted, window.tokenLimit) };
  });
  const terms = { keepRecent: order.keep_recent, target };
  const next =
    order.summary === undefined
      ? await extracted(host, window, { drafts, terms })
      : withSummary(drafts, terms.keepRecent, await countedSummary(host, window, order.summary));
  return host.transact(function* (ctx) {
    const { window: changed, ...counts } = yield* applyCompaction(ctx, window, next);
    return { view: windowView(ctx, changed), ...counts };
  }, "compact");
}

interface DraftsInHand {
  readonly drafts: readonly Draft[];
  readonly terms: CompactionTerms;
}

async function countedSummary(host: TextHost, { model }: ContextWindow, text: string): Promise<Shortened> {
  const [tokens = 0] = await host.texts.count([text]);
  return { text, tokens: tokensOf(tokens, familyOf(model)) + MESSAGE_TOKENS };
}

async function extracted(host: TextHost, window: ContextWindow, { drafts, terms }: DraftsInHand): Promise<Draft[]> {
  const once = withExtracts(drafts, await extracts(host, window, firstWishes(drafts, terms)));
  if (tokensOfDrafts(once) <= terms.target) return once;
  const cores = await extracts(host, window, coreWishes(once));
  const coreTokens = new Map([...cores].map(([number, { tokens }]) => [number, tokens]));
  const twice = withExtracts(once, await extracts(host, window, secondWishes(once, terms, coreTokens)));
  const talk = await talkOf(host, twice);
  return withoutLeast(
    twice,
    terms,
    new Map([...talk, ...[...cores.keys()].map((number) => [number, SAYS.decision] as const)]),
  );
}

function coreWishes(drafts: readonly Draft[]): ExtractWish[] {
  return shortenable(drafts).map((draft) => ({ draft, max: draft.tokens, core: "only" }));
}

/** Returns what short messages say, by number: nothing, something, or a decision. */
async function talkOf(host: TextHost, drafts: readonly Draft[]): Promise<[number, Says][]> {
  const talk = shortTalk(drafts);
  const contents = await host.read((ctx) => readOriginals(ctx, talk, BATCH_BYTES));
  return contents.map((content, at) => [talk[at]?.number ?? 0, saysOf(content)]);
}

function saysOf(content: string): Says {
  const parts = conversationParts(content);
  if (parts.some(({ isCore }) => isCore)) return SAYS.decision;
  return parts.every(({ weight }) => weight <= 1) ? SAYS.nothing : SAYS.something;
}

async function extracts(
  host: TextHost,
  { model }: ContextWindow,
  wishes: readonly ExtractWish[],
): Promise<Map<number, Shortened>> {
  const family = familyOf(model);
  const found = new Map<number, Shortened>();
  for (let at = 0; at < wishes.length;) {
    const rest = wishes.slice(at);
    const contents = await host.read((ctx) =>
      readOriginals(
        ctx,
        rest.map(({ draft }) => draft.message),
        BATCH_BYTES,
      ),
    );
    const orders = contents.map((content, place) => orderOf(content, rest[place], family));
    for (const [place, extract] of (await host.texts.extract(orders)).entries()) {
      const number = rest[place]?.draft.message.number;
      if (extract === undefined || number === undefined) continue;
      found.set(number, { text: extract.text, tokens: tokensOf(extract.tokens, family) + MESSAGE_TOKENS });
    }
    at += contents.length;
  }
  return found;
}

function orderOf(content: string, wish: ExtractWish | undefined, family: ReturnType<typeof familyOf>) {
  const { kind = "message", name, language } = wish?.draft.message ?? {};
  const max = Math.max(0, tokensWithin((wish?.max ?? 0) - MESSAGE_TOKENS, family));
  return {
    content,
    kind: kind as ContentKind,
    name: name ?? undefined,
    language: language ?? undefined,
    max,
    core: wish?.core,
  };
}
