import type { Operation } from "../operation.js";

const WEIGHTS = { name: 10, aliases: 9.5, words: 8, title: 4, description: 1.5 } as const;
/** Credit for a word that only begins like the one asked for. */
const BEGINNING = 0.6;
/** Beyond the sum of its words, where one phrase of an operation holds every word of the query. */
const WHOLE_PHRASE = 15;

/** Words that say nothing about which operation is meant. */
const STOP_WORDS = new Set(
  "a an and any are as at be by can do does for from get give have how i in is it its me my of on or our show so tell that the them this to up us was we what when where which who why will with you your".split(
    " ",
  ),
);

interface Indexed {
  readonly operation: Operation;
  readonly fields: Readonly<Record<keyof typeof WEIGHTS, ReadonlySet<string>>>;
  readonly phrases: readonly ReadonlySet<string>[];
}

/** The operations that fit a query in words, best first, and in the order of the registry among equals. All without a query. */
export function searchOperations(operations: readonly Operation[], query: string): Operation[] {
  const wanted = [...new Set(wordsOf(query))];
  if (wanted.length === 0) return query.trim() === "" ? [...operations] : [];
  const indexed = operations.map(indexedOf);
  const rarity = new Map(wanted.map((word) => [word, rarityOf(word, indexed)]));
  return indexed
    .map((one) => ({ one, points: score(one, rarity) }))
    .filter(({ points }) => points > 0)
    .toSorted((a, b) => b.points - a.points)
    .map(({ one: { operation } }) => operation);
}

/** Operations never change while a process lives: their words are found once. */
const INDEX = new WeakMap<Operation, Indexed>();

function indexedOf(operation: Operation): Indexed {
  const known = INDEX.get(operation) ?? indexOf(operation);
  INDEX.set(operation, known);
  return known;
}

function indexOf(operation: Operation): Indexed {
  const { name, aliases = [], words = [], title, area, description } = operation;
  return {
    operation,
    fields: {
      name: new Set(wordsOf(name)),
      aliases: new Set(aliases.flatMap(wordsOf)),
      words: new Set(words.flatMap(wordsOf)),
      title: new Set(wordsOf(`${title} ${area}`)),
      description: new Set(wordsOf(description)),
    },
    phrases: [...words, ...aliases, name].map((phrase) => new Set(wordsOf(phrase))),
  };
}

/** A word that few operations have says more about which is meant. */
function rarityOf(word: string, all: readonly Indexed[]): number {
  const having = all.filter(({ fields }) => Object.values(fields).some((field) => field.has(word))).length;
  return Math.log(1 + all.length / Math.max(1, having));
}

function score({ fields, phrases }: Indexed, wanted: ReadonlyMap<string, number>): number {
  let sum = 0;
  let found = 0;
  for (const [word, rarity] of wanted) {
    const best = Math.max(...KINDS.map((kind) => WEIGHTS[kind] * likeness(word, fields[kind])));
    sum += rarity * best;
    if (best > 0) found++;
  }
  const whole = phrases.some((phrase) => [...wanted.keys()].every((word) => phrase.has(word)));
  return (sum * found) / wanted.size + (whole ? WHOLE_PHRASE : 0);
}

const KINDS = Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[];

function likeness(word: string, field: ReadonlySet<string>): number {
  if (field.has(word)) return 1;
  const begins = (other: string) => other.startsWith(word) || (other.length > 3 && word.startsWith(other));
  return word.length > 2 && [...field].some(begins) ? BEGINNING : 0;
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1 && !STOP_WORDS.has(word))
    .map((word) => (word.length > 3 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word));
}
