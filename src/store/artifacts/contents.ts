import { eachIn, flag, int, many, manyIn, one, only, placeholders, sole, text } from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Statement, Tx } from "../tx.js";

export const CONTENTS = table("artifact_contents", {
  /** SHA-256, in hexadecimal. */
  hash: text,
  bytes: int,
  /** A file beside the database holds it, else the rows of its parts. */
  inFile: flag,
  /** An artifact or a message of a context window was removed, and it may have no other. */
  unused: flag,
  /** The artifact, or the message of a context window, that it came with. */
  madeBy: text,
});
export interface StoredContent extends RowOf<typeof CONTENTS> {}

const SAVE = insertInto(CONTENTS, "ON CONFLICT (hash) DO UPDATE SET unused = 0 RETURNING made_by");
export const CONTENT_PARTS = table("artifact_parts", { hash: text, number: int, data: text });
const [SAVE_ONE] = SAVE([{ hash: "", bytes: 0, inFile: false, unused: false, madeBy: "" }]);
const INSERT_PARTS = insertInto(CONTENT_PARTS);

/** Bytes of the file that a statement names: its agent has written them, though no statement holds them. */
export function bytesBeside([sql, params = []]: Statement): number {
  const [, bytes, inFile] = params;
  return sql === SAVE_ONE && inFile === 1 ? Number(bytes) : 0;
}

export interface NewContent extends Pick<StoredContent, "hash" | "inFile" | "madeBy"> {
  readonly data: Uint8Array;
}

export interface ContentPart extends RowOf<typeof CONTENT_PARTS> {}
const PART_BYTES = 393_216;

/** The rows that hold a content where no file does. */
export function partsOf(hash: string, data: Uint8Array): ContentPart[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: Math.ceil(bytes.length / PART_BYTES) }, (_, number) => ({
    hash,
    number,
    data: bytes.toString("base64", number * PART_BYTES, (number + 1) * PART_BYTES),
  }));
}

/** Saves a content, unless it is there. Its row is locked either way, so that none removes it before the artifact is written. */
export function* saveContent({ data, ...content }: NewContent): Tx<void> {
  const madeBy = yield* sole(only("made_by", text), SAVE([{ ...content, bytes: data.length, unused: false }]));
  if (madeBy === content.madeBy && !content.inFile) yield* insertRows(INSERT_PARTS, partsOf(content.hash, data));
}

export function* findContent(hash: string): Tx<StoredContent | undefined> {
  return yield* one(CONTENTS.read, [`SELECT ${CONTENTS.columns} FROM artifact_contents WHERE hash = $1`, [hash]]);
}

/** Keeps contents that come into use again, and locks their rows. Returns how many there are. */
export function* keepContents(hashes: readonly string[]): Tx<number> {
  const kept = yield* manyIn(only("hash", text), [...new Set(hashes)].sort(), (chunk) => [
    `UPDATE artifact_contents SET unused = 0 WHERE hash IN (${placeholders(chunk.length)}) RETURNING hash`,
    chunk,
  ]);
  return kept.length;
}

/** Returns the parts of a content in base64, in order; none for one in a file. */
export function* contentParts(hash: string): Tx<string[]> {
  return yield* many(only("data", text), ["SELECT data FROM artifact_parts WHERE hash = $1 ORDER BY number", [hash]]);
}

/** Whether a content may be in use no more. One look into an index that is empty most of the time. */
export function* anyUnused(): Tx<boolean> {
  return (yield ["SELECT hash FROM artifact_contents WHERE unused = 1 LIMIT 1"]).length > 0;
}

/** Removes contents that no artifact and no message of a context window has any more, and takes the mark from the others. Returns how many it has looked at. */
export function* sweepUnused(limit: number): Tx<number> {
  const hashes = yield* many(only("hash", text), [
    "SELECT hash FROM artifact_contents WHERE unused = 1 ORDER BY hash LIMIT $1",
    [limit],
  ]);
  if (hashes.length === 0) return 0;
  const list = placeholders(hashes.length);
  // The mark is looked at again under the row's lock: a content that has just come into use has lost it.
  const removed = yield* many(only("hash", text), [
    // sql: placeholders, here and below.
    `DELETE FROM artifact_contents WHERE hash IN (${list}) AND unused = 1
       AND NOT EXISTS (SELECT 1 FROM artifacts a WHERE a.hash = artifact_contents.hash)
       AND NOT EXISTS (SELECT 1 FROM context_messages m WHERE m.hash = artifact_contents.hash) RETURNING hash`,
    hashes,
  ]);
  if (removed.length > 0) yield [`DELETE FROM artifact_parts WHERE hash IN (${placeholders(removed.length)})`, removed];
  // sql: placeholders.
  yield [`UPDATE artifact_contents SET unused = 0 WHERE hash IN (${list})`, hashes];
  return hashes.length;
}

/** Marks contents that were released: they go, unless something else has them. */
export function* releaseContents(hashes: readonly string[]): Tx<void> {
  yield* eachIn([...new Set(hashes)].sort(), (chunk) => [
    `UPDATE artifact_contents SET unused = 1 WHERE hash IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}

/** Returns those of the hashes whose content a file holds. */
export function* contentsInFiles(hashes: readonly string[]): Tx<string[]> {
  if (hashes.length === 0) return [];
  return yield* many(only("hash", text), [
    `SELECT hash FROM artifact_contents WHERE in_file = 1 AND hash IN (${placeholders(hashes.length)})`,
    hashes,
  ]);
}

/** Returns the hashes of all contents that files hold, in order. */
export function* allInFiles(): Tx<string[]> {
  return yield* many(only("hash", text), ["SELECT hash FROM artifact_contents WHERE in_file = 1 ORDER BY hash"]);
}

/** Puts a content that a file holds into rows. */
export function* takeIntoRows(hash: string, data: Uint8Array): Tx<void> {
  yield* insertRows(INSERT_PARTS, partsOf(hash, data));
  yield ["UPDATE artifact_contents SET in_file = 0 WHERE hash = $1", [hash]];
}
