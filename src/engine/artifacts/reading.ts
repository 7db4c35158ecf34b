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
  const data = yield* readContent(ctx, hash);
  const encoding = isText ? "utf8" : "base64";
  const whole = data.toString(encoding);
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

/** A page of artifacts, newest first. */
export function* listArtifactPage({ cursor, limit, ...filter }: PageQuery & Omit<ArtifactFilter, "before">) {
  const before = idOfCursor("artifact", cursor);
  const { page, next } = pageOf(yield* listArtifacts({ ...filter, before, limit: limit + 1 }), limit, ({ id }) => id);
  return { artifacts: page.map(artifactView), ...next };
}
