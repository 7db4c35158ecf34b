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
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENS: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSES: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const VALUE_BYTES_MAX = 512;

/** Reads JSON once, byte by byte, and keeps only the short values of the outermost object. */
class EnvelopeScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key = "";
  #token: number[] = [];
  readonly #values = new Map<string, string>();

  scan(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#inString && this.#depth > 1) {
        // Most of a large line is one long text: jump to what could end it.
        at = this.#skipText(bytes, at);
        if (at >= bytes.length) return;
      }
      this.#step(bytes[at] ?? 0);
    }
  }

  envelope(): { id: string | number | undefined; method: string | undefined } {
    const id = this.#value("id");
    const method = this.#value("method");
    return {
      id: typeof id === "string" || typeof id === "number" ? id : undefined,
      method: typeof method === "string" ? method : undefined,
    };
  }

  #skipText(bytes: Buffer, from: number): number {
    if (this.#escaped) return from;
    let at = from;
    while (at < bytes.length && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
    return at;
  }

  #step(byte: number): void {
    if (this.#inString) {
      this.#keep(byte);
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) this.#inString = false;
    } else if (OPENS.has(byte)) {
      this.#depth++;
    } else if (CLOSES.has(byte)) {
      this.#endOfValue();
      this.#depth--;
    } else if (this.#depth === 1 && byte === COLON) {
      this.#key = textOf(this.#token);
      this.#token = [];
    } else if (byte === COMMA) {
      this.#endOfValue();
    } else {
      this.#inString = byte === QUOTE;
      this.#keep(byte);
    }
  }

  #keep(byte: number): void {
    if (this.#depth === 1 && this.#token.length < VALUE_BYTES_MAX) this.#token.push(byte);
  }

  #endOfValue(): void {
    if (this.#depth !== 1) return;
    if (this.#key === '"id"' || this.#key === '"method"') this.#values.set(this.#key, textOf(this.#token));
    this.#key = "";
    this.#token = [];
  }

  #value(key: string): unknown {
    const text = this.#values.get(`"${key}"`);
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch {
      // Not JSON, so nothing that an answer could be addressed to.
      return undefined;
    }
  }
}

function textOf(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString("utf8").trim();
}
