import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { type Content, contentOf, IN_ROWS_MAX, knownContents } from "../engine/artifacts/content.js";
import { type GivenPlace, rootOf } from "../engine/artifacts/places.js";
import type { Contents } from "../dispatch/capabilities.js";
import type { HostWith } from "../dispatch/operation.js";

// How the bytes of an artifact come from a call, and where they go before its transaction.

export const contentInput = {
  content: z.string().optional().describe("The text, or base64 of other bytes with encoding."),
  encoding: z.enum(["utf8", "base64"]).optional(),
  path: z.string().min(1).max(4_096).optional().describe("A file of the project, in place of content."),
} as const;

export interface GivenContent {
  readonly content?: string | undefined;
  readonly encoding?: "utf8" | "base64" | undefined;
  readonly path?: string | undefined;
}

/** A content with the path it was read from. */
export interface ReadContent {
  readonly content: Content;
  readonly path?: string;
}

/** Reads the content that a call gives. Errors: `invalid_input`, `limit_exceeded`. */
export async function readGiven(
  host: HostWith<"contents">,
  given: GivenContent,
  place: GivenPlace,
): Promise<ReadContent> {
  const { content, encoding, path } = given;
  if ((content === undefined) === (path === undefined)) throw eitherOr();
  if (content !== undefined) return { content: contentOf(bytesOf(content, encoding)) };
  const { root, max } = await host.read(function* (ctx) {
    return { root: yield* rootOf(ctx, place), max: ctx.settings.artifact_bytes_max };
  });
  const file = await host.contents.readProjectFile(root, path ?? "", max);
  return { content: contentOf(file.data), path: file.path };
}

function eitherOr(): BatonError {
  const message =
    "Give either content, the text or base64 of the artifact, or path, a file of the project. Nothing was stored.";
  return new BatonError("invalid_input", message, { details: { path: "content" } });
}

function bytesOf(content: string, encoding: GivenContent["encoding"]): Buffer {
  if (encoding !== "base64") return Buffer.from(content, "utf8");
  const bare = content.replaceAll(/\s/g, "");
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(bare) && bare.length % 4 === 0) return Buffer.from(bare, "base64");
  const message =
    "The content is not base64, as encoding says it is: send whole groups of four characters, or leave encoding out for a text. Nothing was stored.";
  throw new BatonError("invalid_input", message, { details: { path: "content" } });
}

/** Writes a large content beside the database, where it keeps files: the transaction that names it then writes one row. */
export async function savedBeside(contents: Contents, content: Content): Promise<Content> {
  if (content.data.length <= IN_ROWS_MAX) return content;
  return { ...content, inFile: await contents.save(content.hash, content.data) };
}

/**
 * Does the transaction that names contents which were saved beside the database. Where it is refused they go again, so that refused calls fill no disk;
 * afterwards those that were swept meanwhile are written again.
 */
export async function storedWith<T>(
  host: HostWith<"contents">,
  contents: readonly Content[],
  transact: () => Promise<T>,
): Promise<T> {
  const beside = contents.filter(({ inFile }) => inFile);
  try {
    const answer = await transact();
    for (const { hash, data } of beside) await host.contents.ensure(hash, data);
    return answer;
  } catch (error) {
    const hashes = beside.map(({ hash }) => hash);
    const known = hashes.length === 0 ? [] : await host.read(() => knownContents(hashes));
    for (const hash of hashes) if (!known.includes(hash)) await host.contents.discard(hash);
    throw error;
  }
}
