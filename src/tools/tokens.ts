import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { familyOf, tokensOf, tokensWithin } from "../compaction/families.js";
import { requireArtifact } from "../engine/artifacts/artifacts.js";
import { readContent } from "../engine/artifacts/content.js";
import { placeWanted } from "../engine/artifacts/places.js";
import { defineOperation, type OperationHost } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const BYTES_MAX = 4_194_304;
/** Tokens of the chunks of one answer. */
const ANSWER_TOKENS_MAX = 20_000;

const given = {
  content: z.string().optional(),
  artifact: z.string().min(1).max(300).optional().describe("In place of content: id or name, from put_artifact."),
  run: params.run.optional().describe("Where an artifact's name is looked for, from list_runs. Default: the project."),
  project: params.project,
} as const;
const model = z.string().min(1).max(100).optional().describe("Its family's tokens. Default: those of o200k_base.");

interface GivenText {
  readonly content?: string | undefined;
  readonly artifact?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
}

interface NamedText {
  readonly text: string;
  readonly name?: string;
}

/** Reads the text that a call is about. Errors: `invalid_input`, `limit_exceeded`, `not_found`. */
async function textOf(host: OperationHost, { content, artifact: reference, ...place }: GivenText): Promise<NamedText> {
  if ((content === undefined) === (reference === undefined)) {
    const message = "Give either content, the text itself, or artifact, the id or name of one that was put.";
    throw new BatonError("invalid_input", message, { details: { path: "content" } });
  }
  if (content !== undefined) return { text: within(content, Buffer.byteLength(content)) };
  return host.read(function* (ctx) {
    const isId = reference?.startsWith("artifact_") === true;
    const { run, project } = isId ? {} : yield* placeWanted(ctx, place);
    const artifact = yield* requireArtifact({ artifact: reference ?? "", scope: run ?? project });
    const { name } = artifact;
    within("", artifact.bytes);
    if (artifact.isText) return { text: (yield* readContent(ctx, artifact.hash)).toString("utf8"), name };
    const message = `The artifact "${name}" (${artifact.id}) is no text, so it has no tokens to count or cut.`;
    throw new BatonError("invalid_input", message, { details: { artifact: artifact.id, type: artifact.type } });
  });
}

function within(text: string, bytes: number): string {
  if (bytes <= BYTES_MAX) return text;
  const message = `The text has ${bytes} bytes; at most ${BYTES_MAX} are worked on at once. Give it in parts.`;
  throw new BatonError("limit_exceeded", message, { details: { bytes, max: BYTES_MAX } });
}

const estimate = defineOperation({
  name: "estimate_tokens",
  title: "Estimate tokens",
  description:
    "Estimates how many tokens a text or an artifact has for a model: counted in o200k_base, times a factor of the model's family. Use it before a text goes into a prompt. Returns the tokens, whether the count is exact, the factor and where it is from.",
  area: "context",
  effect: "read",
  words: ["count tokens", "tokenizer", "size of a prompt"],
  example: { content: "…", model: "claude-sonnet-5" },
  input: z.object({ ...given, model }),
  output: z.object({
    tokens: z.int(),
    characters: z.int(),
    encoding: z.string(),
    encoding_tokens: z.int(),
    family: z.string(),
    factor: z.number(),
    source: z.string(),
    exact: z.boolean(),
  }),
  needs: ["texts"],
  async perform(host, input) {
    const { text } = await textOf(host, input);
    const [tokens = 0] = await host.texts.count([text]);
    const { name: family, factor, source } = familyOf(input.model);
    return {
      tokens: tokensOf(tokens, { factor }),
      characters: text.length,
      encoding: "o200k_base",
      encoding_tokens: tokens,
      family,
      factor,
      source,
      exact: factor === 1,
    };
  },
});

const chunk = defineOperation({
  name: "chunk_content",
  title: "Cut a text into chunks",
  description:
    "Cuts a large text or artifact into chunks of at most so many tokens that overlap: code between its definitions, other texts at headings and empty lines. Returns the chunks with their lines, and the next ones by cursor.",
  area: "context",
  effect: "read",
  words: ["split a large file", "semantic chunking", "parts of a document"],
  example: { artifact: "artifact_…", max_tokens: 1_000, overlap: 100 },
  input: z.object({
    ...given,
    language: z.string().min(1).max(40).optional().describe("Of code. Default: by the artifact's name."),
    max_tokens: z.int().min(64).max(ANSWER_TOKENS_MAX).default(1_000).describe("Of a chunk."),
    overlap: z
      .int()
      .min(0)
      .max(ANSWER_TOKENS_MAX / 2)
      .default(100)
      .describe("Tokens that a chunk repeats, at most half of one."),
    model,
    cursor: params.paging.cursor,
  }),
  output: z.object({
    chunks: z.array(
      z.object({ number: z.int(), from_line: z.int(), to_line: z.int(), tokens: z.int(), content: z.string() }),
    ),
    total: z.int(),
    ...shapes.nextPage,
  }),
  needs: ["texts"],
  async perform(host, input) {
    const { text, name } = await textOf(host, input);
    const family = familyOf(input.model);
    const [max, overlap] = [tokensWithin(input.max_tokens, family), tokensWithin(input.overlap, family)];
    const all = await host.texts.chunk({ content: text, name, language: input.language, max, overlap });
    const from = numberOfCursor(input.cursor, all.length);
    let left = ANSWER_TOKENS_MAX;
    const rest = all.slice(from - 1).map(({ from: first, to, tokens, text: content, number }) => ({
      number,
      from_line: first,
      to_line: to,
      tokens: tokensOf(tokens, family),
      content,
    }));
    const over = rest.findIndex(({ tokens }) => (left -= tokens) < 0);
    const chunks = over < 0 ? rest : rest.slice(0, Math.max(1, over));
    const next = chunks.length < rest.length ? { next_cursor: String(from + chunks.length) } : {};
    return { chunks, total: all.length, ...next };
  },
});

function numberOfCursor(cursor: string | undefined, total: number): number {
  const number = cursor === undefined ? 1 : /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0;
  if (number >= 1 && number <= Math.max(1, total)) return number;
  const message = "Invalid cursor: pass next_cursor of the previous page, with the same text and terms.";
  throw new BatonError("invalid_input", message, { details: { path: "cursor" } });
}

export const tokenOperations = [estimate, chunk] as const;
