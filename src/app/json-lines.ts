import fs from "node:fs";
import { BatonError } from "../base/errors.js";

const CHUNK = 1 << 20;
const LINE_BYTES_MAX = 256 * CHUNK;

/** Writes values as lines of JSON into a file from its beginning, some at once. */
export class JsonLines {
  readonly #handle: number;
  #waiting: string[] = [];
  #chars = 0;

  constructor(file: string) {
    this.#handle = fs.openSync(file, "w");
  }

  write(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`;
    this.#waiting.push(line);
    this.#chars += line.length;
    if (this.#chars >= CHUNK) this.#flush();
  }

  /** Returns once all lines have reached the disk. */
  save(): void {
    this.#flush();
    fs.fsyncSync(this.#handle);
  }

  close(): void {
    fs.closeSync(this.#handle);
  }

  #flush(): void {
    fs.writeFileSync(this.#handle, this.#waiting.join(""));
    this.#waiting = [];
    this.#chars = 0;
  }
}

export interface JsonLine {
  /** From 1. */
  readonly number: number;
  readonly value: unknown;
}

/** Reads a file of JSON lines little by little. Errors: `invalid_input` for a line that is no JSON in UTF-8. */
export function* linesOf(file: string): Generator<JsonLine> {
  const handle = fs.openSync(file, "r");
  try {
    let number = 0;
    for (const line of rawLines(handle)) {
      number += 1;
      yield { number, value: parsed(line, number) };
    }
  } finally {
    fs.closeSync(handle);
  }
}

function* rawLines(handle: number): Generator<Buffer> {
  let rest: Buffer[] = [];
  let held = 0;
  const chunk = Buffer.alloc(CHUNK);
  for (let bytes = fs.readSync(handle, chunk); bytes > 0; bytes = fs.readSync(handle, chunk)) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1 && end < bytes; end = chunk.indexOf(10, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]);
      rest = [];
      held = 0;
      from = end + 1;
    }
    rest.push(Buffer.from(chunk.subarray(from, bytes)));
    held += bytes - from;
    if (held > LINE_BYTES_MAX) throw new BatonError("invalid_input", `has more than ${LINE_BYTES_MAX} bytes`);
  }
  if (held > 0) yield Buffer.concat(rest);
}

function parsed(line: Buffer, number: number): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    throw new BatonError("invalid_input", "is no JSON in UTF-8", { details: { line: number } });
  }
}
