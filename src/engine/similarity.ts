import { createRequire } from "node:module";
import type MiniSearch from "minisearch";

/** A text to find, by an id. */
export interface Findable {
  readonly id: string;
  readonly text: string;
}

/**
 * The ids of the texts that have most in common with a query, best first, at most `limit`; those that share no word with it are not among
 * them. BM25+ over words and their beginnings (Lv & Zhai, "Lower-Bounding Term Frequency Normalization", CIKM 2011), by
 * minisearch, which is loaded at need.
 */
export function mostSimilar(query: string, texts: readonly Findable[], limit: number): string[] {
  if (texts.length === 0) return [];
  const Search = createRequire(import.meta.url)("minisearch") as typeof MiniSearch;
  const index = new Search<Findable>({ fields: ["text"], searchOptions: { prefix: true, fuzzy: 0.1 } });
  index.addAll(texts);
  return index
    .search(query)
    .slice(0, limit)
    .map(({ id }) => String(id));
}
