import { isObject, type JsonObject } from "../../base/json.js";

/** A line of input, or what could be learned of one that was too long to be kept. */
export type InputLine = { readonly kind: "line"; readonly text: string } | OversizedLine;

export interface OversizedLine {
  readonly kind: "oversized";
  readonly id: string | number | undefined;
  readonly method: string | undefined;
  readonly bytes: number;
}

const LINE_FEED = 0x0a;

/**
 * Cuts a stream of bytes into lines. Of a line above the bound no more than the bound is ever kept: the rest is read
 * past, and only its JSON-RPC id and method are taken out, so that it can be answered.
 */
export class LineReader {
  readonly #bytesMax: number;
  #kept: Buffer[] = [];
  #bytes = 0;
  #scanner: EnvelopeScanner | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  *push(chunk: Buffer): Generator<InputLine> {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED, from); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      this.#take(chunk.subarray(from, end));
      yield this.#finish();
      from = end + 1;
    }
    this.#take(chunk.subarray(from));
  }

  #take(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#scanner === undefined && this.#bytes > this.#bytesMax) {
      this.#scanner = new EnvelopeScanner();
      for (const kept of this.#kept) this.#scanner.scan(kept);
      this.#kept = [];
    }
    if (this.#scanner !== undefined) this.#scanner.scan(part);
    else if (part.length > 0) this.#kept.push(part);
  }

  #finish(): InputLine {
    const line: InputLine =
      this.#scanner === undefined
        ? { kind: "line", text: Buffer.concat(this.#kept).toString("utf8").replace(/\r$/, "") }
        : { kind: "oversized", ...this.#scanner.envelope(), bytes: this.#bytes };
    this.#kept = [];
    this.#bytes = 0;
    this.#scanner = undefined;
    return line;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const OPENS: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSES: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const STRING_BYTES_MAX = 512;
const OUTLINE_BYTES_MAX = 65_536;

/** Reads JSON once, byte by byte, and keeps its outermost object, with 0 for objects and lists within and "" for long strings. */
class EnvelopeScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  readonly #outline: number[] = [];
  #stringAt = 0;

  scan(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (this.#inString) this.#scanString(byte);
      else if (OPENS.has(byte)) {
        this.#depth++;
        this.#keep(this.#depth === 1 ? byte : ZERO, this.#depth <= 2);
      } else if (CLOSES.has(byte)) {
        this.#keep(byte);
        this.#depth--;
      } else {
        this.#inString = byte === QUOTE;
        this.#stringAt = this.#outline.length;
        this.#keep(byte);
      }
    }
  }

  #scanString(byte: number): void {
    const isLong = this.#outline.length - this.#stringAt > STRING_BYTES_MAX;
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (isLong) this.#outline.length = this.#stringAt + 1;
      return this.#keep(byte);
    }
    if (!isLong) this.#keep(byte);
  }

  #keep(byte: number, wanted = this.#depth === 1): void {
    if (wanted && this.#outline.length < OUTLINE_BYTES_MAX) this.#outline.push(byte);
  }

  /** The id and the method. Undefined each where the text is no JSON, so that no answer could be addressed to it. */
  envelope(): Pick<OversizedLine, "id" | "method"> {
    const { id, method } = parsed(Buffer.from(this.#outline).toString("utf8"));
    return {
      id: typeof id === "string" || typeof id === "number" ? id : undefined,
      method: typeof method === "string" ? method : undefined,
    };
  }
}

function parsed(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
