import { idOfCursor, pageOf, type PageQuery } from "../../base/lists/paging.js";
import { type ArtifactFilter, listArtifacts } from "../../store/artifacts/artifacts.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type Artifact, artifactView } from "./artifacts.js";
import { readContent } from "./content.js";

/** Characters of a text, or of the base64 of other bytes, that one answer holds. */
export const PART_CHARS_MAX = 40_000;

export interface ArtifactPart {
  readonly encoding: "utf8" | "base64";
  readonly offset: number;
  readonly text: string;
  /** Characters in all. */
  readonly total: number;
  readonly next_offset?: number;
}

/** Reads a part of an artifact's content: as text, or as base64 where it is none. Errors: `unavailable`. */
export function* readPart(ctx: EngineContext, { hash, isText }: Artifact, offset: number): Tx<ArtifactPart> {
  const encoding = isText ? "utf8" : "base64";
  return partOf((yield* readContent(ctx, hash)).toString(encoding), { encoding, offset });
}

/** Cuts a part of what one answer holds from a content. */
export function partOf(whole: string, { encoding, offset }: Pick<ArtifactPart, "encoding" | "offset">): ArtifactPart {
  const end = endOf(whole, offset);
  return {
    encoding,
    offset,
    text: whole.slice(offset, end),
    total: whole.length,
    ...(end < whole.length ? { next_offset: end } : {}),
  };
}

/** A part ends between characters. */
function endOf(whole: string, offset: number): number {
  const end = Math.min(whole.length, offset + PART_CHARS_MAX);
  return end < whole.length && /[\uD800-\uDBFF]/.test(whole.charAt(end - 1)) ? end - 1 : end;
}

export interface ReadBounds {
  readonly count: number;
  /** Bytes of all texts together. */
  readonly bytes: number;
}

/** Reads the newest version of each text of a run, as many as the bounds allow. */
export function* newestOfRun(ctx: EngineContext, run: string, { count, bytes }: ReadBounds) {
  const names = new Set<string>();
  const texts: { name: string; type: string; text: string }[] = [];
  let left = bytes;
  for (const { name, type, hash, isText, bytes: size } of yield* listArtifacts({ run, limit: count })) {
    if (names.has(name) || !isText || size > left) continue;
    names.add(name);
    left -= size;
    texts.push({ name, type, text: (yield* readContent(ctx, hash)).toString("utf8") });
  }
  return texts;
}

/** A page of artifacts, newest first. */
export function* listArtifactPage({ cursor, limit, ...filter }: PageQuery & Omit<ArtifactFilter, "before">) {
  const before = idOfCursor("artifact", cursor);
  const { page, next } = pageOf(yield* listArtifacts({ ...filter, before, limit: limit + 1 }), limit, ({ id }) => id);
  return { artifacts: page.map(artifactView), ...next };
}
