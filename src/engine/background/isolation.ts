import { CommitUnknown } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";

/**
 * Pieces of background work that could not be done, and until when they are left alone. A process's own: what is wrong with a row
 * is wrong in every process, and each finds it out by itself.
 */
export type SetAside = Map<string, number>;

const SET_ASIDE_MS = 60_000;
const TOLD_MAX = 3;

/**
 * Background work in pieces that do not wait for each other: one that fails is set aside for a minute and told of at the end. Only
 * where the database itself is at fault is the rest not tried.
 */
export class Chores {
  readonly #aside: SetAside;
  readonly #now: number;
  readonly #failures: { readonly what: string; readonly error: unknown }[] = [];

  constructor(aside: SetAside, now: number) {
    this.#aside = aside;
    this.#now = now;
    for (const [what, until] of aside) if (until <= now) aside.delete(what);
  }

  /** How many of a kind are set aside. Whoever looks for what is due finds them first, so it must look for so many more. */
  setAside(kind: string): number {
    return [...this.#aside.keys()].filter((what) => what.startsWith(`${kind} `)).length;
  }

  /** Does what there is only one of; where it fails, the next tick tries it again. */
  async once(what: string, work: () => Promise<number>): Promise<number> {
    return (await this.#try(what, work)) ?? 0;
  }

  /** Handles those of a kind that are not set aside, each by itself. Gives how many there were, and what came of them all together. */
  async each(
    kind: string,
    ids: readonly string[],
    handle: (id: string) => Promise<number>,
  ): Promise<{ tried: number; sum: number }> {
    let tried = 0;
    let sum = 0;
    for (const id of ids) {
      const what = `${kind} ${id}`;
      if (this.#aside.has(what)) continue;
      tried += 1;
      const came = await this.#try(what, () => handle(id));
      if (came === undefined) this.#aside.set(what, this.#now + SET_ASIDE_MS);
      else sum += came;
    }
    return { tried, sum };
  }

  /** Throws an `AggregateError` where something could not be done. */
  end(): void {
    if (this.#failures.length === 0) return;
    const told = this.#failures.slice(0, TOLD_MAX).map(({ what, error }) => `${what}: ${messageOf(error)}`);
    const more = this.#failures.length > TOLD_MAX ? `; and ${this.#failures.length - TOLD_MAX} more` : "";
    const errors = this.#failures.map(({ error }) => error);
    throw new AggregateError(errors, `background work could not be done: ${told.join("; ")}${more}`);
  }

  async #try(what: string, work: () => Promise<number>): Promise<number | undefined> {
    try {
      return await work();
    } catch (error) {
      if (isOfDatabase(error)) throw error;
      this.#failures.push({ what, error });
      return undefined;
    }
  }
}

/** Whether it would meet everything else too. */
export function isOfDatabase(error: unknown): boolean {
  if (error instanceof CommitUnknown) return true;
  return error instanceof BatonError && error.code === "unavailable" && error.details?.["busy"] !== true;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
