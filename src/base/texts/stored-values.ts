/** The one check of what enters the store. What passes it is kept exactly as given; nothing is cleaned or shortened. */

export const VALUE_DEPTH_MAX = 100;

/** A part of a value that the store cannot keep as given. */
export interface Flaw {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** A bound, not a mistake in form: the rest of the value was not looked at. */
  readonly limit?: "bytes" | "depth";
}

const FLAWS_MAX = 50;

/**
 * Finds the parts of a value that the store cannot keep as given: NUL, lone surrogates, numbers JSON cannot hold exactly, and
 * structure beyond the bounds. Bytes are those of the texts as UTF-8, so never more than the JSON they came in.
 */
export function flawsOf(value: unknown, bytesMax: number): readonly Flaw[] {
  const search = new FlawSearch(bytesMax);
  search.visit(value, []);
  return search.flaws;
}

class FlawSearch {
  readonly flaws: Flaw[] = [];
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False once nothing more is to be looked at. */
  visit(value: unknown, path: PropertyKey[]): boolean {
    if (typeof value === "string") return this.#text(value, path, "");
    if (typeof value !== "object" || value === null) {
      return this.#count(1, path) && this.#add(path, flawOfScalar(value));
    }
    if (path.length >= VALUE_DEPTH_MAX)
      return this.#stop({ path: [], message: `is nested more than ${VALUE_DEPTH_MAX} levels deep`, limit: "depth" });
    if (!this.#count(1, path)) return false;
    if (Array.isArray(value)) return value.every((item, at) => this.#below(item, path, at));
    return Object.entries(value).every(
      ([key, item]) => this.#text(key, [...path, key], "has a name that ") && this.#below(item, path, key),
    );
  }

  #below(item: unknown, path: PropertyKey[], key: PropertyKey): boolean {
    path.push(key);
    const on = this.visit(item, path);
    path.pop();
    return on;
  }

  #text(text: string, path: readonly PropertyKey[], subject: string): boolean {
    if (!this.#count(text.length > this.#bytesMax ? text.length : Buffer.byteLength(text) + 2, path)) return false;
    const message = flawOfText(text);
    return this.#add(path, message === undefined ? undefined : `${subject}${message}`);
  }

  #count(bytes: number, path: readonly PropertyKey[]): boolean {
    this.#bytes += bytes;
    if (this.#bytes <= this.#bytesMax) return true;
    return this.#stop({ path: [...path], message: `makes it more than ${this.#bytesMax} bytes`, limit: "bytes" });
  }

  #add(path: readonly PropertyKey[], message: string | undefined): boolean {
    if (message !== undefined) this.flaws.push({ path: [...path], message });
    return this.flaws.length < FLAWS_MAX;
  }

  #stop(flaw: Flaw): false {
    this.flaws.push(flaw);
    return false;
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Returns the reason why a text cannot be kept as given; undefined where it can. */
export function flawOfText(text: string): string | undefined {
  const nul = text.indexOf("\0");
  if (nul >= 0) return `holds a NUL character (character ${nul + 1}), which cannot be stored: leave it out`;
  const half = LONE_SURROGATE.exec(text);
  if (half === null) return undefined;
  const code = half[0].charCodeAt(0).toString(16);
  return `holds half of a character (\\u${code}, character ${half.index + 1}), a lone surrogate, which cannot be stored: send whole characters`;
}

function flawOfScalar(value: unknown): string | undefined {
  if (typeof value === "bigint")
    return flawOfNumber(value) ?? "is a big integer, which JSON cannot carry: write it as a number";
  return typeof value === "number" ? flawOfNumber(value) : undefined;
}

/** Returns the reason why JSON cannot hold a number exactly; undefined where it can. */
export function flawOfNumber(value: number | bigint): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value))
    return `is not a number that JSON can hold (${value}): write it as text`;
  if (value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER) return undefined;
  // A number that was read from a text has lost its last digits.
  const example = typeof value === "bigint" ? `, such as "${value}"` : "";
  return `is a number beyond ${Number.MAX_SAFE_INTEGER}, which JSON cannot hold exactly: write it as text${example}`;
}

/** The start of a text, cut between characters. */
export function startOf(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, "");
}

/** A text that the server itself words from what others gave: the parts that cannot be stored as visible marks. */
export function storableText(text: string): string {
  if (flawOfText(text) === undefined) return text;
  return text.replaceAll(/\0|\p{Surrogate}/gu, (flaw) => `\\u${flaw.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
