import { flawOfNumber, flawOfText } from "../../base/texts/stored-values.js";

/** The bound of the values that expressions give: one for each expression, or one for all those of a step together. */
export class ValueBytes {
  readonly max: number;
  readonly #shared: boolean;
  #left: number;

  constructor(max: number, { shared = false }: { readonly shared?: boolean } = {}) {
    this.max = max;
    this.#shared = shared;
    this.#left = max;
  }

  /** The bound of the next expression. */
  next(): ValueBytes {
    return this.#shared ? this : new ValueBytes(this.max);
  }

  /** Throws `UnfitValue` for a text that is too large or that the store cannot keep as given. */
  text(text: string): string {
    this.count(text.length > this.max ? text.length : Buffer.byteLength(text));
    const flaw = flawOfText(text);
    if (flaw !== undefined) throw new UnfitValue(`its value ${flaw}`);
    return text;
  }

  /** Throws `UnfitValue` for a number that JSON cannot hold exactly. */
  number(value: number | bigint): number {
    const flaw = flawOfNumber(value);
    if (flaw !== undefined) throw new UnfitValue(`its value ${flaw}`);
    return Number(value);
  }

  count(bytes: number): void {
    this.#left -= bytes;
    if (this.#left >= 0) return;
    const whose = this.#shared ? "the values of the step's expressions together take" : "its value takes";
    throw new UnfitValue(`${whose} more than ${this.max} bytes: name the file or the task that holds it instead`);
  }
}

/** A value that the store cannot keep. */
export class UnfitValue extends Error {}

/** CEL's own class of values that may be missing. */
type OptionalClass = abstract new (...given: never[]) => { hasValue(): boolean; value(): unknown };

/** CEL's integers, optionals, timestamps and maps as JSON has them. Throws `UnfitValue`. */
export function plain(value: unknown, bytes: ValueBytes, optional: OptionalClass): unknown {
  if (typeof value === "string") return bytes.text(value);
  bytes.count(1);
  if (typeof value === "bigint" || typeof value === "number") return bytes.number(value);
  if (value === null || typeof value !== "object") return value ?? null;
  if (Array.isArray(value)) return value.map((entry) => plain(entry, bytes, optional));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof optional) return value.hasValue() ? plain(value.value(), bytes, optional) : null;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, entry]) => [bytes.text(String(key)), plain(entry, bytes, optional)]));
}
