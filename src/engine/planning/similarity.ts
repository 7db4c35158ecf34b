import { createRequire } from "node:module";
import type MiniSearch from "minisearch";

// Words that stand in any text: what two of them share by these alone is nothing.
const COMMON = new Set(
  (
    "a about after all also an and any are as at be been before but by can could do does each for from get had has have how i if in into " +
    "is it its just let like make me more must my need new no not of on one only or other our out over shall should so some such than " +
    "that the their them then there these they this to too under up use we what when where which while who will with without would you your"
  ).split(" "),
);

/** A text to find, by an id. */
export interface Findable {
  readonly id: string;
  readonly text: string;
}

/**
 * The ids of the texts that have most in common with a query, best first, at most `limit`; those that share no word with it are not among
 * them, nor are those that share only such as stand in any text. BM25+ over words and their beginnings (Lv & Zhai, "Lower-Bounding Term Frequency Normalization", CIKM 2011), by
 * minisearch, which is loaded at need.
 */
export function mostSimilar(query: string, texts: readonly Findable[], limit: number): string[] {
  if (texts.length === 0) return [];
  const Search = createRequire(import.meta.url)("minisearch") as typeof MiniSearch;
  const index = new Search<Findable>({ fields: ["text"], processTerm, searchOptions: { prefix: true, fuzzy: 0.1 } });
  index.addAll(texts);
  return index
    .search(query)
    .slice(0, limit)
    .map(({ id }) => String(id));
}

function processTerm(term: string): string | false {
  const word = term.toLowerCase();
  return COMMON.has(word) ? false : word;
}
