import { isObject } from "../base/json.js";
import { shownBytes, startThatFits } from "../base/texts/shown-text.js";
import type { Whole } from "./text.js";

/** The answer about a context window as its text shows it. */
export interface WindowText {
  readonly result: Record<string, unknown>;
  /** Paths that are shown whole, and their bytes. */
  readonly whole: Whole;
  readonly bytes: number;
  /** Says which messages the text lacks, and the call that reads them. */
  readonly gap?: string;
}

/** Bytes of what stands beside the content of a message. */
const BESIDE_BYTES = 300;

/**
 * Leaves the newest messages of a window as they are, as many as have room: they tell most, and the agent has asked for their tokens.
 * Undefined for any other answer.
 */
export function windowText(whole: Record<string, unknown>, bytesMax: number): WindowText | undefined {
  const inner = whole["result"];
  const isInner = isObject(inner);
  const answer = isInner ? inner : whole;
  if (!isWindow(answer)) return undefined;
  const { messages, window } = answer;
  let bytes = 0;
  let from = messages.length;
  for (; from > 0; from--) {
    const more = shownBytes(messages[from - 1]?.content ?? "") + BESIDE_BYTES;
    if (bytes + more > bytesMax) break;
    bytes += more;
  }
  const newest = messages.at(-1);
  const isCut = from === messages.length && newest !== undefined;
  const shown = isCut ? [{ ...newest, content: startThatFits(newest.content, bytesMax) }] : messages.slice(from);
  const older = messages.length - shown.length;
  const [oldest] = shown;
  const calls = [
    isCut
      ? `this text has the beginning of message ${newest.number}: ${callOf({ window: window.id, message: newest.number })}`
      : "",
    older > 0 && oldest !== undefined
      ? `this text lacks ${older} older messages of this answer: ${callOf({ window: window.id, cursor: String(oldest.number) })}`
      : "",
  ].filter((call) => call !== "");
  const kept = { ...answer, messages: shown };
  const prefix = isInner ? "result." : "";
  return {
    result: isInner ? { ...whole, result: kept } : kept,
    whole: new Set([`${prefix}messages`, `${prefix}messages.content`]),
    bytes: isCut ? bytesMax + BESIDE_BYTES : bytes,
    ...(calls.length > 0 && { gap: `(${calls.join("; ")})` }),
  };
}

function callOf(args: Readonly<Record<string, unknown>>): string {
  return `get_context ${JSON.stringify(args)}`;
}

interface WindowAnswer {
  readonly window: { readonly id: string };
  readonly messages: readonly { readonly number: number; readonly content: string }[];
}

function isWindow(answer: object): answer is WindowAnswer {
  return "answer_tokens" in answer && "messages" in answer && "window" in answer;
}
