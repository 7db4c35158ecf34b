import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { CONTENT_KINDS } from "../compaction/extract.js";
import { familyOf, tokensOf, tokensWithin } from "../compaction/families.js";
import { contentOf } from "../engine/artifacts/content.js";
import type { EngineContext } from "../engine/context.js";
import { messageView, readMessage, readWindow, type ShownMessage } from "../engine/context-windows/reading.js";
import {
  addMessage,
  type ContextWindow,
  MESSAGE_TOKENS,
  modelOf,
  requireWindow,
  type WindowReference,
  windowView,
} from "../engine/context-windows/windows.js";
import { defineOperation, type HostWith } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { savedBeside, storedWith } from "./artifact-contents.js";
import { compactWindow } from "./context-compaction.js";

/** Tokens of one answer. */
const ANSWER_TOKENS_DEFAULT = 20_000;
const ANSWER_TOKENS_MAX = 24_000;
/** Tokens that a call may name. */
const LIMIT_MAX = 10_000_000;
const CONTENT_BYTES_MAX = 4_194_304;
const SUMMARY_CHARS_MAX = 100_000;
const KEEP_RECENT = 10;

const windowShape = {
  window: z.object({
    id: z.string(),
    name: z.string(),
    agent: z.string(),
    project: z.string(),
    task: z.string().optional(),
    model: z.string().optional(),
    messages: z.int(),
    compactions: z.int(),
    updated_at: shapes.instant,
  }),
  tokens: z.int(),
  limit: z.int(),
  needs_compaction: z.boolean(),
} as const;

const numbers = z.object({ from: z.int(), to: z.int() });
const messageShape = z.object({
  number: z.int(),
  from: z.string(),
  role: z.string(),
  kind: z.string(),
  name: z.string().optional(),
  language: z.string().optional(),
  summary: z.string().optional(),
  content_tokens: z.int().optional(),
  tokens: z.int(),
  at: shapes.instant,
  /** A compaction has left it out of the window. */
  left_out: z.literal(true).optional(),
  /** Numbers of the messages before it that the window holds no more. */
  left_out_before: numbers.optional(),
  /** Numbers of the messages in whose place the agent's own summary stands. */
  stands_for: numbers.optional(),
});

const window = z
  .string()
  .min(1)
  .max(100)
  .default("main")
  .describe("Name of the agent's own in the project, or id. Default: main.");
const keepRecent = z.int().min(0).max(1_000).default(KEEP_RECENT).describe("Newest messages that stay whole.");

const add = defineOperation({
  name: "add_context",
  title: "Add to a context window",
  description:
    "Adds a message to a context window of the agent, which is made at need, and counts its tokens. From a share of its limit on (0.8) the window compacts itself. Returns its tokens, its limit, and whether it was or needs to be compacted.",
  area: "context",
  effect: "write",
  aliases: ["add_message"],
  words: ["remember", "context window", "memory", "conversation history"],
  example: { window: "main", role: "assistant", content: "We use UUIDs as keys.", kind: "conversation" },
  input: z.object({
    window,
    role: z.string().min(1).max(40).describe("user, assistant, system, tool."),
    content: z.string().min(1),
    kind: z
      .enum(CONTENT_KINDS)
      .default("message")
      .describe(
        "How it is shortened: code keeps signatures, requirements a list, conversation decisions, file an outline.",
      ),
    name: z.string().min(1).max(300).optional().describe("Of a file; its ending tells the language."),
    language: z.string().min(1).max(40).optional(),
    task: params.task.optional().describe("From claim_task. The window goes with an accepted handoff of this task."),
    model: z.string().min(1).max(100).optional().describe("Its family's tokens are counted. Set by the first message."),
    max_tokens: z
      .int()
      .min(1_000)
      .max(LIMIT_MAX)
      .optional()
      .describe("Limit of the window. Default: max_context_tokens."),
    compact: z.boolean().default(true).describe("false: the window does not compact itself now."),
    keep_recent: keepRecent,
    project: params.project,
    ...params.acting,
  }),
  output: z.object({
    ...windowShape,
    message: z.int(),
    message_tokens: z.int(),
    compacted: z.boolean(),
    /** Messages that were shortened, and that were left out. */
    summarized: z.int().optional(),
    dropped: z.int().optional(),
  }),
  needs: ["texts", "contents"],
  async perform(host, input) {
    const bytes = Buffer.from(input.content, "utf8");
    if (bytes.length > CONTENT_BYTES_MAX) throw tooLarge(bytes.length);
    const model = await host.read((ctx) => modelOf(ctx, input));
    const [counted = 0] = await host.texts.count([input.content]);
    const tokens = tokensOf(counted, familyOf(model));
    const content = await savedBeside(host.contents, contentOf(bytes));
    const added = await storedWith(host, [content], () =>
      host.transact(function* (ctx) {
        const stored = yield* addMessage(ctx, { ...input, limit: input.max_tokens, content, tokens });
        return { ...stored, view: windowView(ctx, stored.window) };
      }, "add"),
    );
    const message = { message: added.number, message_tokens: tokens + MESSAGE_TOKENS };
    if (!input.compact || !added.view.needs_compaction) return { ...added.view, ...message, compacted: false };
    try {
      const { view, summarized, dropped } = await compactWindow(host, added.window, input);
      return { ...view, ...message, compacted: summarized + dropped > 0, summarized, dropped };
    } catch (error) {
      // The message is there: the answer says that the window is still to be compacted.
      if (!(error instanceof BatonError && error.code === "unavailable")) throw error;
      return { ...added.view, ...message, compacted: false };
    }
  },
});

function tooLarge(bytes: number): BatonError {
  const message = `The content has ${bytes} bytes; a message of a context window has at most ${CONTENT_BYTES_MAX}. Nothing was added. Put it down as an artifact (put_artifact) and add what matters, or add it in parts (chunk_content).`;
  return new BatonError("limit_exceeded", message, { details: { path: "content", bytes, max: CONTENT_BYTES_MAX } });
}

const compact = defineOperation({
  name: "compact_context",
  title: "Compact a context window",
  description:
    "Shortens all but the newest messages of a context window: code to signatures and comments, requirements to a list, conversation to decisions and outcomes, files to an outline; or to the agent's own summary. Originals can still be read. Returns its tokens before and after.",
  area: "context",
  effect: "write",
  aliases: ["compact"],
  words: ["summarize the context", "shorten", "free tokens", "memory consolidation"],
  example: { window: "main", keep_recent: 10 },
  input: z.object({
    window,
    keep_recent: keepRecent,
    target_tokens: z
      .int()
      .min(0)
      .optional()
      .describe("Tokens that the window is to have at most. Default: half of its limit."),
    summary: z
      .string()
      .min(1)
      .max(SUMMARY_CHARS_MAX)
      .optional()
      .describe("Stands in place of the older messages. Written by the agent."),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({ ...windowShape, before: z.int(), summarized: z.int(), dropped: z.int(), compacted: z.boolean() }),
  needs: ["texts"],
  async perform(host, input) {
    const found = await host.read((ctx) => requireWindow(ctx, input));
    const { view, summarized, dropped } = await compactWindow(host, found, input);
    return { ...view, before: found.tokens, summarized, dropped, compacted: summarized + dropped > 0 };
  },
});

const get = defineOperation({
  name: "get_context",
  title: "Get a context window",
  description:
    "Returns the newest messages of a context window that have at most so many tokens together, oldest first, summaries in place of what was compacted, numbers of what was left out; older ones by cursor. With message: that one as it was added. Its agent reads it, and a person.",
  area: "context",
  effect: "read",
  aliases: ["get_messages", "needs_compaction", "get_context_manager"],
  words: ["recall", "what was said", "conversation history", "memory", "sliding window"],
  example: { window: "main", max_tokens: 8_000 },
  input: z.object({
    window,
    max_tokens: z
      .int()
      .min(100)
      .max(LIMIT_MAX)
      .default(ANSWER_TOKENS_DEFAULT)
      .describe(`Of the messages in the answer, which has at most ${ANSWER_TOKENS_MAX}.`),
    cursor: params.paging.cursor,
    message: z.int().min(1).optional().describe("Number of a message to read whole."),
    offset: z.int().min(0).optional().describe("Of a long message: next_offset of the part before."),
    agent: params.agent,
    project: params.project,
  }),
  output: z.object({
    ...windowShape,
    messages: z.array(messageShape.extend({ content: z.string(), cut: z.boolean().optional() })),
    /** Tokens of the messages in this answer. */
    answer_tokens: z.int(),
    total: z.int().optional(),
    next_offset: z.int().optional(),
    ...shapes.nextPage,
  }),
  needs: ["texts"],
  async perform(host, input) {
    const { message: number, offset = 0 } = input;
    const max = Math.min(input.max_tokens, ANSWER_TOKENS_MAX);
    if (number !== undefined) return host.read((ctx) => oneMessage(ctx, input, { number, offset }));
    const before = numberOfCursor(input.cursor);
    const { found, page, view } = await host.read(function* (ctx) {
      const own = yield* requireWindow(ctx, input);
      return { found: own, page: yield* readWindow(ctx, own, { max, before }), view: windowView(ctx, own) };
    });
    const messages: ShownLine[] = page.messages.map(({ content, ...message }) => ({
      ...messageView(message),
      content,
    }));
    if (page.tooLong !== undefined) messages.push(await beginningOf(host, found, { message: page.tooLong, max }));
    const answerTokens = messages.reduce((sum, { tokens }) => sum + tokens, 0);
    const next = page.before === undefined ? {} : { next_cursor: String(page.before) };
    return { ...view, messages, answer_tokens: answerTokens, ...next };
  },
});

interface ShownLine extends ReturnType<typeof messageView> {
  readonly content: string;
  readonly cut?: boolean;
}

interface MessagePlace {
  readonly number: number;
  readonly offset: number;
}

function* oneMessage(ctx: EngineContext, reference: WindowReference, place: MessagePlace) {
  const found = yield* requireWindow(ctx, reference);
  const { message, part } = yield* readMessage(ctx, found, place);
  const { text: content, total, next_offset: next } = part;
  const line: ShownLine = { ...messageView(message), content };
  const rest = next === undefined ? {} : { next_offset: next };
  return { ...windowView(ctx, found), messages: [line], answer_tokens: message.contentTokens, total, ...rest };
}

interface LongMessage {
  readonly message: ShownMessage;
  readonly max: number;
}

/** The beginning of a message that has no room as a whole. */
async function beginningOf(
  host: HostWith<"texts">,
  { model }: ContextWindow,
  { message, max }: LongMessage,
): Promise<ShownLine> {
  const family = familyOf(model);
  const { content, ...rest } = message;
  const { text, tokens } = await host.texts.cut(content, tokensWithin(max - MESSAGE_TOKENS, family));
  const line = messageView({ ...rest, tokens: tokensOf(tokens, family) + MESSAGE_TOKENS });
  return { ...line, content_tokens: message.contentTokens, content: text, cut: true };
}

function numberOfCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined || /^[1-9]\d{0,14}$/.test(cursor)) return cursor === undefined ? undefined : Number(cursor);
  throw new BatonError("invalid_input", "Invalid cursor: pass next_cursor of the previous page of this window.", {
    details: { path: "cursor" },
  });
}

export const contextOperations = [add, get, compact] as const;
