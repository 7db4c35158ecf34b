import type { Random } from "./random.js";

/** Makes ids of the form `<kind>_<16 base32 characters>`. */
export interface Ids {
  /** With `after`, an id of the same kind that sorts after that one, wherever it was made and whatever the clocks say. */
  next(kind: string, now: number, after?: string): string;
}

// Crockford's alphabet in lower case: sorts as its values do, and has no look-alikes.
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS = 9; // 45 bits of milliseconds: until the year 3084
const TAIL_BITS = 35; // 7 characters
const TAIL_MAX = 2 ** TAIL_BITS;

function base32(value: number, chars: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < chars; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The millisecond that an id names. */
function instantOf(id: string): number {
  const start = id.indexOf("_") + 1;
  let instant = 0;
  for (let at = start; at < start + TIME_CHARS; at++) instant = instant * 32 + ALPHABET.indexOf(id.charAt(at));
  return instant;
}

/**
 * Ids that sort by creation and are strictly monotonic within a process: 9 characters of milliseconds, then 7 that
 * start at random in each millisecond and count up within it.
 */
export function sortableIds(random: Random): Ids {
  let lastMs = -1;
  let prefix = "";
  let tail = 0;
  return {
    next(kind, now, after) {
      const at = after === undefined ? now : Math.max(now, instantOf(after) + 1);
      if (at > lastMs) {
        lastMs = at;
        prefix = base32(at, TIME_CHARS);
        // The upper half stays free for counting up.
        tail = Math.floor(random.next() * (TAIL_MAX / 2));
      } else {
        tail += 1 + Math.floor(random.next() * 64);
        if (tail >= TAIL_MAX) {
          lastMs += 1;
          prefix = base32(lastMs, TIME_CHARS);
          tail = 0;
        }
      }
      return `${kind}_${prefix}${base32(tail, TAIL_BITS / 5)}`;
    },
  };
}
