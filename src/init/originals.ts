import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { BatonError } from "../base/errors.js";
import { unlessMissing } from "../runtime/files/confinement.js";
import { writeWhole } from "./file-state.js";

const savedSchema = z.strictObject({
  /** Base64. Null: there was no file. */
  original: z.string().nullable(),
  mode: z.int().nullable(),
  /** SHA-256 of what init wrote. */
  written: z.string(),
  /** Directories made for it, outermost first. */
  directories: z.array(z.string()),
});
const recordSchema = z.strictObject({ root: z.string(), files: z.record(z.string(), savedSchema) });

/** A file before init wrote to it. */
export type SavedFile = z.output<typeof savedSchema>;

/** The files of one repository as they were before init, in a file of the person's data directory that they alone can read. */
export class Originals {
  readonly #file: string;
  readonly #root: string;

  constructor(dataDirectory: string, root: string) {
    this.#root = root;
    this.#file = path.join(
      dataDirectory,
      "init",
      `${createHash("sha256").update(root).digest("hex").slice(0, 16)}.json`,
    );
  }

  /** By absolute path. Errors: `conflict` for a record that cannot be read. */
  read(): Map<string, SavedFile> {
    const text = unlessMissing(() => readFileSync(this.#file, "utf8"));
    if (text === undefined) return new Map();
    try {
      return new Map(Object.entries(recordSchema.parse(JSON.parse(text)).files));
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
      const message = `${this.#file} holds what \`baton init --undo\` restores, and cannot be read. Move it away to go on without it.`;
      throw new BatonError("conflict", message, { details: { file: this.#file } });
    }
  }

  save(files: ReadonlyMap<string, SavedFile>): void {
    if (files.size === 0) return rmSync(this.#file, { force: true });
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const record = { root: this.#root, files: Object.fromEntries(files) };
    writeWhole(this.#file, `${JSON.stringify(record)}\n`, 0o600);
  }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
