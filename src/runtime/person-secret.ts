import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { BatonError } from "../base/errors.js";

/** Bytes of the hash; scrypt's other parameters are Node's, which take about 50 ms. */
const HASH_BYTES = 32;
const SALT_BYTES = 16;
export const SECRET_CHARS_MIN = 8;
const SECRET_CHARS_MAX = 1_000;

/** The secret of the person who decides here, kept as a salted hash in a file that its owner alone can read. */
export class PersonSecret {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = path.join(directory, "person-secret");
  }

  get isSet(): boolean {
    return this.#read() !== undefined;
  }

  /** Whether this is the secret. False where none is set. */
  isMatchedBy(given: string): boolean {
    const stored = this.#read();
    if (stored === undefined || given.length > SECRET_CHARS_MAX) return false;
    return timingSafeEqual(stored.hash, hashOf(given, stored.salt));
  }

  /** Errors: `invalid_input` for one that is too short or too long. */
  set(secret: string): void {
    if (secret.length < SECRET_CHARS_MIN || secret.length > SECRET_CHARS_MAX) {
      const message = `A secret has ${SECRET_CHARS_MIN} to ${SECRET_CHARS_MAX} characters; this one has ${secret.length}.`;
      throw new BatonError("invalid_input", message, { details: { characters: secret.length } });
    }
    const salt = randomBytes(SALT_BYTES);
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const draft = `${this.#file}.${randomBytes(4).toString("hex")}`;
    writeFileSync(draft, `scrypt ${salt.toString("hex")} ${hashOf(secret, salt).toString("hex")}\n`, {
      mode: 0o600,
      flag: "wx",
    });
    chmodSync(draft, 0o600);
    renameSync(draft, this.#file);
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }

  /** Errors: `not_permitted` for a file that others may read or that holds something else: no decision is taken without it then. */
  #read(): { salt: Buffer; hash: Buffer } | undefined {
    const facts = statSync(this.#file, { throwIfNoEntry: false });
    if (facts === undefined) return undefined;
    if (process.platform !== "win32" && (facts.mode & 0o077) !== 0)
      throw unusable(this.#file, "others may read it: chmod 600");
    const [, salt = "", hash = ""] =
      /^scrypt ([0-9a-f]{32}) ([0-9a-f]{64})\n$/.exec(readFileSync(this.#file, "utf8")) ?? [];
    if (hash === "") throw unusable(this.#file, "it holds no secret: remove it and set one with `baton secret`");
    return { salt: Buffer.from(salt, "hex"), hash: Buffer.from(hash, "hex") };
  }
}

function hashOf(secret: string, salt: Buffer): Buffer {
  return scryptSync(secret.normalize("NFC"), salt, HASH_BYTES);
}

function unusable(file: string, why: string): BatonError {
  return new BatonError("not_permitted", `The secret of the person in ${file} cannot be used: ${why}.`, {
    details: { file },
  });
}
