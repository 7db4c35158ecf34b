import { createHash, timingSafeEqual } from "node:crypto";

/** How long a link may be followed. */
const LINK_MS = 600_000;
export const LINK_MINUTES = LINK_MS / 60_000;

/** A link that signs its person's browser in, once. */
export class SignInLink {
  readonly person: string;
  readonly #hash: Buffer;
  readonly #until: number;
  #used = false;

  constructor(code: string, link: { readonly person: string; readonly now: number }) {
    this.person = link.person;
    this.#hash = digest(code);
    this.#until = link.now + LINK_MS;
  }

  /** Whether a code opens it now: the first time alone. */
  opens(code: string, now: number): boolean {
    const isRight = timingSafeEqual(digest(code), this.#hash);
    if (!isRight || this.#used || now >= this.#until) return false;
    this.#used = true;
    return true;
  }

  /** The link may be followed once more: no browser was signed in by it. */
  opensAgain(): void {
    this.#used = false;
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
