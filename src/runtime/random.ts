import { randomBytes } from "node:crypto";
import { mulberry32 } from "../base/numbers/mulberry32.js";

/** Uniform numbers in [0, 1). */
export interface Random {
  next(): number;
}

// A process draws 4 KiB of entropy at a time: one system call per 1,024 numbers.
const POOL_BYTES = 4096;
let pool = Buffer.alloc(0);
let offset = 0;

export const systemRandom: Random = {
  next() {
    if (offset + 4 > pool.length) {
      pool = randomBytes(POOL_BYTES);
      offset = 0;
    }
    const value = pool.readUInt32LE(offset);
    offset += 4;
    return value / 0x1_0000_0000;
  },
};

/** A seeded sequence, so that a failing history can be replayed. */
export function seededRandom(seed: number): Random {
  return { next: mulberry32(seed) };
}

/** So many random bytes, as hexadecimal digits. Of 32 bits each, drawn from the pool. */
export function randomHex(bytes: 8 | 16): string {
  let text = "";
  for (let at = 0; at < bytes; at += 4) text += (systemRandom.next() * 0x1_0000_0000).toString(16).padStart(8, "0");
  return text;
}

const SECRET_BYTES = 32;

/** A secret that cannot be guessed: 43 characters that a URL and a header take. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}
