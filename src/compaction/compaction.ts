import { type CodeLanguage, languageOf } from "../validation/code/syntax.js";
import { type Chunk, chunksOfText, type ChunkTerms } from "./chunks.js";
import { codeParts, outermostLines } from "./code.js";
import { conversationParts } from "./conversation.js";
import { Encoding } from "./encoding.js";
import { type Extract, type ExtractPart, fitted, shortened, type ExtractSubject } from "./extract.js";
import { requirementParts } from "./requirements.js";

/** Chunks by which a large text that is no code is shown: one line each, and its best sentences. */
const OUTLINE_CHUNK = { max: 600, overlap: 60 } as const;
const HEADLINE_CHARS_MAX = 160;
/** Sentences with a decision, an outcome or a question. */
const TOLD_FROM_WEIGHT = 2;

let made: Encoding | undefined;

/** The encoding, which is made with the first text. */
function encoding(): Encoding {
  return (made ??= new Encoding());
}

export function countTokens(texts: readonly string[]): number[] {
  return texts.map((text) => encoding().count(text));
}

/** The longest beginning of a text with at most so many tokens. */
export function cutText(text: string, max: number): Extract {
  return encoding().cut(text, max);
}

export interface ExtractOrder extends ExtractSubject {
  /** Tokens that the extract may have. */
  readonly max: number;
  /** Decisions and what obliges: nothing else, or all of them, however many tokens they have. */
  readonly core?: "only" | "whole" | undefined;
}

/** Shortens contents by their kind; undefined for one of which nothing has room. */
export async function extractAll(orders: readonly ExtractOrder[]): Promise<(Extract | undefined)[]> {
  const extracts: (Extract | undefined)[] = [];
  for (const { max, core, ...subject } of orders) {
    const parts = await partsOf(subject);
    const told = core === undefined ? [] : parts.filter(({ isCore }) => isCore);
    const room = core === "whole" ? Math.max(max, fitted(told, Infinity, encoding())?.tokens ?? 0) : max;
    extracts.push(fitted(core === "only" ? told : parts, room, encoding()));
  }
  return extracts;
}

async function partsOf(subject: ExtractSubject): Promise<readonly ExtractPart[]> {
  const { kind, content } = subject;
  if (kind === "requirements") return requirementParts(content);
  if (kind === "conversation" || kind === "message") return conversationParts(content);
  const language = codeLanguageOf(subject);
  const code = language && (await codeParts(language, content));
  return code ?? fileParts(content);
}

function codeLanguageOf({ name = "", language }: Pick<ExtractSubject, "name" | "language">): CodeLanguage | undefined {
  return languageOf({ name, language });
}

function fileParts(content: string): ExtractPart[] {
  return chunksOfText(content, OUTLINE_CHUNK, encoding()).flatMap(({ from, to, text }) => {
    const headline =
      text.split("\n").find((line) => /^#{1,6}\s/.test(line)) ?? text.trimStart().split("\n", 1)[0] ?? "";
    const best = conversationParts(text)
      .filter(({ weight }) => weight >= TOLD_FROM_WEIGHT)
      .toSorted((a, b) => b.weight - a.weight)
      .slice(0, 2);
    return [{ text: `[lines ${from}-${to}] ${shortened(headline, HEADLINE_CHARS_MAX)}`, weight: 10 }, ...best];
  });
}

export interface ChunkOrder
  extends Pick<ExtractSubject, "content" | "name" | "language">, Pick<ChunkTerms, "max" | "overlap"> {}

/** Cuts a text into chunks: code between its definitions, other texts at headings and empty lines. */
export async function chunkText(order: ChunkOrder): Promise<Chunk[]> {
  const language = codeLanguageOf(order);
  const starts = language && (await outermostLines(language, order.content));
  return chunksOfText(order.content, { max: order.max, overlap: order.overlap, starts }, encoding());
}
