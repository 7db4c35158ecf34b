import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { BatonError } from "../../base/errors.js";
import * as store from "../../store/artifacts/contents.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** Up to here a content stands in rows on any database; a larger one in a file beside SQLite. */
export const IN_ROWS_MAX = 65_536;

/** The bytes of an artifact. */
export interface Content {
  readonly data: Uint8Array;
  /** SHA-256, in hexadecimal. */
  readonly hash: string;
  /** UTF-8 without NUL. */
  readonly isText: boolean;
  /** Whether a file beside the database holds it already. */
  readonly inFile: boolean;
}

export function contentOf(data: Uint8Array): Content {
  const hash = hashOf(data);
  return { data, hash, isText: !data.includes(0) && isUtf8(data), inFile: false };
}

function hashOf(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Saves the bytes of an artifact, unless they are there. */
export function saveContent({ data, hash, inFile }: Content, madeBy: string): Tx<void> {
  return store.saveContent({ hash, data, inFile, madeBy });
}

/** Reads the bytes of an artifact. Errors: `unavailable` where they are gone, or are not those that were stored. */
export function* readContent(ctx: Pick<EngineContext, "readContentFile">, hash: string): Tx<Buffer> {
  const content = yield* store.findContent(hash);
  if (content === undefined) throw lost(hash, "it is not in the database");
  const data = content.inFile
    ? ctx.readContentFile?.(hash)
    : Buffer.concat((yield* store.contentParts(hash)).map((part) => Buffer.from(part, "base64")));
  if (data === undefined) throw lost(hash, "its file is no longer beside the database (in the directory …-artifacts)");
  if (hashOf(data) !== hash) throw lost(hash, "what is stored is not what was written");
  return data;
}

/** Returns those of the hashes whose content the database knows. */
export function* knownContents(hashes: readonly string[]): Tx<string[]> {
  const known: string[] = [];
  for (const hash of hashes) if (yield* store.findContent(hash)) known.push(hash);
  return known;
}

function lost(hash: string, why: string): BatonError {
  const message = `The content ${hash} cannot be read: ${why}. Restore it from a backup, or put the artifact again: the same content mends it.`;
  return new BatonError("unavailable", message, { details: { hash } });
}
