import type { Refusals } from "../../engine/access/authentication.js";
import type { Engine } from "../../engine/engine.js";
import type { Logger } from "../../runtime/logger.js";

/** How often refusals are written into the history, at most. */
const WRITE_MS = 60_000;
/** Kinds of refusals in one write. */
const KINDS_MAX = 50;

export interface RefusalLogParts {
  engine(): Promise<Engine>;
  readonly readOnly: boolean;
  readonly logger: Logger;
}

/** Counts refusals, and writes them into the history: the first at once, then once a minute. Who guesses writes no more by it. */
export class RefusalLog {
  readonly #parts: RefusalLogParts;
  #counted = new Map<string, Refusals>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RefusalLogParts) {
    this.#parts = parts;
  }

  /** `token` is the id of one that there is. */
  add(why: Refusals["why"], token?: string): void {
    if (this.#parts.readOnly) return;
    const key = `${why} ${token ?? ""}`;
    const known = this.#counted.get(key);
    if (known === undefined && this.#counted.size >= KINDS_MAX) return;
    this.#counted.set(key, { why, token, count: (known?.count ?? 0) + 1 });
    if (this.#timer !== undefined) return;
    void this.#write();
    this.#timer = setInterval(() => void this.#write(), WRITE_MS).unref();
  }

  async #write(): Promise<void> {
    const refusals = [...this.#counted.values()];
    this.#counted = new Map();
    if (refusals.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    try {
      const { recordRefusals } = await import("../../engine/access/authentication.js");
      await (await this.#parts.engine()).transact((ctx) => recordRefusals(ctx, refusals));
    } catch (error) {
      this.#parts.logger.warn("refused requests were not recorded", { error, refusals: refusals.length });
    }
  }
}
