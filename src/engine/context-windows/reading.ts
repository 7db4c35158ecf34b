import { BatonError, callOperation } from "../../base/errors.js";
import { iso } from "../../base/time.js";
import {
  type ContextMessage,
  findContextMessage,
  heldMessages,
  listHeld,
} from "../../store/context-windows/messages.js";
import type { ContextWindow } from "../../store/context-windows/windows.js";
import type { Tx } from "../../store/tx.js";
import { readContent } from "../artifacts/content.js";
import { type ArtifactPart, partOf } from "../artifacts/reading.js";
import type { EngineContext } from "../context.js";

export type { ContextMessage } from "../../store/context-windows/messages.js";

const MESSAGES_A_PAGE_MAX = 200;

export interface ShownMessage extends ContextMessage {
  readonly content: string;
  /** Number of the message before it that the window holds; 0 for none. */
  readonly after: number;
}

export interface WindowPage {
  /** Oldest first. */
  readonly messages: readonly ShownMessage[];
  /** The newest that has no room, where none has: its beginning may. */
  readonly tooLong?: ShownMessage;
  /** The messages that are older than this one are not among them. */
  readonly before?: number;
}

export interface WindowPageQuery {
  /** Tokens that the messages may have together. */
  readonly max: number;
  /** Only messages with a smaller number. */
  readonly before?: number | undefined;
}

/** Reads the newest messages of a window that have room, each as it stands there now. */
export function* readWindow(
  ctx: EngineContext,
  { id, lastNumber }: ContextWindow,
  query: WindowPageQuery,
): Tx<WindowPage> {
  const { max, before = lastNumber + 1 } = query;
  const newest = yield* heldMessages(id, before, MESSAGES_A_PAGE_MAX + 1);
  const messages: ShownMessage[] = [];
  let left = max;
  const after = (at: number): number => newest[at + 1]?.number ?? 0;
  for (const [at, message] of newest.slice(0, MESSAGES_A_PAGE_MAX).entries()) {
    if (message.tokens > left) break;
    left -= message.tokens;
    messages.unshift({ ...(yield* shown(ctx, message)), after: after(at) });
  }
  const [next] = newest.slice(messages.length);
  if (next === undefined) return { messages };
  if (messages.length > 0) return { messages, before: next.number + 1 };
  return { messages, tooLong: { ...(yield* shown(ctx, next)), after: after(0) }, before: next.number };
}

function* shown(ctx: EngineContext, message: ContextMessage): Tx<Omit<ShownMessage, "after">> {
  return { ...message, content: message.summary ?? (yield* originalOf(ctx, message)) };
}

function* originalOf(ctx: EngineContext, { hash }: ContextMessage): Tx<string> {
  return (yield* readContent(ctx, hash)).toString("utf8");
}

/** Reads a part of a message as it was added. Errors: `not_found` for one that the window has no more. */
export function* readMessage(
  ctx: EngineContext,
  window: ContextWindow,
  { number, offset }: { number: number; offset: number },
): Tx<{ message: ContextMessage; part: ArtifactPart }> {
  const message = yield* findContextMessage(window.id, number);
  if (message === undefined) {
    const text = `Window ${window.id} has no message ${number}: ${number > window.lastNumber ? `its newest is ${window.lastNumber}` : "it was among the oldest and went"}.`;
    throw new BatonError("not_found", text, {
      details: { window: window.id, message: number, newest: window.lastNumber },
      next: [callOperation("get_context", { window: window.id })],
    });
  }
  return { message, part: partOf(yield* originalOf(ctx, message), { encoding: "utf8", offset }) };
}

/** Returns all that a window holds, oldest first. */
export function messagesHeld({ id }: ContextWindow): Tx<ContextMessage[]> {
  return listHeld(id);
}

/** Reads contents of messages as they were added, with at most so many bytes; at least one. */
export function* readOriginals(ctx: EngineContext, messages: readonly ContextMessage[], bytes: number): Tx<string[]> {
  const contents: string[] = [];
  let left = bytes;
  for (const message of messages) {
    left -= message.bytes;
    if (left < 0 && contents.length > 0) break;
    contents.push(yield* originalOf(ctx, message));
  }
  return contents;
}

export function messageView({
  number,
  agent,
  role,
  kind,
  name,
  language,
  summaryBy,
  tokens,
  contentTokens,
  at,
  dropped,
  after,
}: ContextMessage & { readonly after?: number | undefined }) {
  return {
    number,
    from: agent,
    role,
    kind,
    ...(name === null ? {} : { name }),
    ...(language === null ? {} : { language }),
    ...(summaryBy === null ? {} : { summary: summaryBy, content_tokens: contentTokens }),
    tokens,
    at: iso(at),
    ...(dropped ? { left_out: true as const } : {}),
    ...(after === undefined ? {} : gapBefore(number, summaryBy, after)),
  };
}

interface Numbers {
  readonly from: number;
  readonly to: number;
}

interface GapBefore {
  readonly stands_for?: Numbers;
  readonly left_out_before?: Numbers;
}

/**
 * Names the messages before one that the window holds no more: its agent's own summary stands in their place, or a compaction has left
 * them out.
 */
function gapBefore(number: number, summaryBy: string | null, after: number): GapBefore {
  if (summaryBy === "agent") return { stands_for: { from: after + 1, to: number } };
  return number - after <= 1 ? {} : { left_out_before: { from: after + 1, to: number - 1 } };
}
