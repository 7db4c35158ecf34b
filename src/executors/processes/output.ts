import { isUtf8 } from "node:buffer";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { CommandFacts, CommandOutcome, CommandResult, StdoutFacts } from "./runner-protocol.js";

export interface OutputLimits {
  /** Size of the file at most; the rest is counted and dropped. */
  outputBytesMax: number;
  tailBytes: number;
}

// Colours and cursor movements are taken out of the tail, so that more than its size must be kept until then.
const RAW_TAIL_FACTOR = 4;

/** The end of a stream in memory. */
class Tail {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  /** All that went through. */
  bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#chunks.push(chunk.subarray(-this.#bytesMax));
    this.#chunkBytes += this.#chunks.at(-1)?.length ?? 0;
    if (this.#chunkBytes < this.#bytesMax * 2) return;
    const rest = this.last();
    this.#chunks = [rest];
    this.#chunkBytes = rest.length;
  }

  /** The last bytes, at most as many as it is for. */
  last(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#bytesMax);
  }
}

/** A command's output: the start of it in a file, the end of it in memory. */
export class OutputFile {
  readonly #file: FileHandle;
  readonly #limits: OutputLimits;
  readonly #tail: Tail;
  #stdout: Tail | undefined;
  #bytes = 0;
  #error: string | undefined;

  private constructor(file: FileHandle, limits: OutputLimits) {
    this.#file = file;
    this.#limits = limits;
    this.#tail = new Tail(limits.tailBytes * RAW_TAIL_FACTOR);
  }

  /** Makes the file (0600, it must not exist yet) and its directory (0700). Errors: those of the file system. */
  static async create(path: string, limits: OutputLimits): Promise<OutputFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return new OutputFile(await open(path, "wx", 0o600), limits);
  }

  /** Copies a stream to its end, reading on only when what was read is written. Streams may be copied side by side. */
  async copy(stream: AsyncIterable<Buffer>): Promise<void> {
    for await (const chunk of stream) await this.#append(chunk);
  }

  /** Copies stdout, which has a stream of its own, and keeps its last bytes as they are. */
  async copyStdout(stream: AsyncIterable<Buffer>, bytesMax: number): Promise<void> {
    const stdout = (this.#stdout = new Tail(bytesMax));
    for await (const chunk of stream) {
      stdout.add(chunk);
      await this.#append(chunk);
    }
  }

  async #append(chunk: Buffer): Promise<void> {
    const start = this.#bytes;
    this.#bytes += chunk.length;
    this.#tail.add(chunk);
    const kept = chunk.subarray(0, Math.max(0, this.#limits.outputBytesMax - start));
    for (let written = 0; written < kept.length && this.#error === undefined;) {
      try {
        written += (await this.#file.write(kept, written, kept.length - written, start + written)).bytesWritten;
      } catch (error) {
        // A full disk must not end the command, which would hang on a full pipe without a reader; the result says so.
        this.#error = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** `complete: false`: the copying was given up before the streams ended. */
  facts(complete: boolean): Pick<CommandFacts, "tail" | "outputBytes" | "truncated" | "outputError" | "stdout"> {
    return {
      tail: tailText(this.#tail.last(), this.#limits.tailBytes),
      outputBytes: this.#bytes,
      truncated: !complete || this.#bytes > this.#limits.outputBytesMax || this.#error !== undefined,
      ...(this.#error === undefined ? {} : { outputError: this.#error }),
      ...(this.#stdout && { stdout: stdoutFacts(this.#stdout) }),
    };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function stdoutFacts(stdout: Tail): StdoutFacts {
  const last = stdout.last();
  const kept = last.length < stdout.bytes ? fromWholeCharacter(last) : last;
  const text = kept.toString("utf8");
  const bad = isUtf8(kept) ? -1 : text.indexOf("\uFFFD");
  return { text, bytes: stdout.bytes, ...(bad < 0 ? {} : { badLine: text.slice(0, bad).split("\n").length }) };
}

/** The result of a command that has written nothing, as far as is known. */
export function withoutOutput(outcome: CommandOutcome): CommandResult {
  return { ...outcome, tail: "", outputBytes: 0, truncated: false, durationMs: 0, leftRunning: [] };
}

// Every control character but newline and tab, DEL and C1 included, and the marks that reorder text on a screen.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * The end of an output as plain text: at most `bytesMax` bytes of valid UTF-8, whole characters, no escape sequences
 * and no control characters but newline and tab. A lone carriage return (a progress display) becomes a newline.
 */
export function tailText(output: Buffer, bytesMax: number): string {
  const text = stripVTControlCharacters(fromWholeCharacter(output).toString("utf8"))
    .replace(/\r+\n?/g, "\n")
    .replace(UNSAFE, "");
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= bytesMax || bytesMax === 0) return bytesMax === 0 ? "" : text;
  return fromWholeCharacter(bytes.subarray(-bytesMax)).toString("utf8");
}

/** Without the at most three bytes at the start that continue a character whose first byte was cut off. */
function fromWholeCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start++;
  return bytes.subarray(start);
}
