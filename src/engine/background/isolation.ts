import { BatonError, messageOf } from "../../base/errors.js";
import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import { CommitUnknown } from "../../store/tx.js";

/** Background jobs that failed, and until when they are not tried again. Each process has its own and learns by its own failures. */
export type Quarantine = Map<string, number>;

const QUARANTINE_MS = 60_000;
const REPORTED_MAX = 3;

/**
 * Background jobs that do not block each other: a job that fails is quarantined for a minute and reported at the end. Only a fault of
 * the database itself stops the rest.
 */
export class IsolatedJobs {
  readonly #quarantine: Quarantine;
  readonly #now: number;
  readonly #failures: { readonly what: string; readonly error: unknown }[] = [];

  constructor(quarantine: Quarantine, now: number) {
    this.#quarantine = quarantine;
    this.#now = now;
    for (const [what, until] of quarantine) if (until <= now) quarantine.delete(what);
  }

  /** Counts the quarantined jobs of a kind. */
  quarantined(kind: string): number {
    return [...this.#quarantine.keys()].filter((what) => what.startsWith(`${kind} `)).length;
  }

  /** Runs a job of its own. After a failure the next tick tries it again. */
  async once(what: string, work: () => Promise<number>): Promise<number> {
    return (await this.#try(what, work)) ?? 0;
  }

  /** Runs the jobs of a kind that are not quarantined. Returns how many were tried, and the sum of their results. */
  async each(
    kind: string,
    ids: readonly string[],
    handle: (id: string) => Promise<number>,
  ): Promise<{ tried: number; sum: number }> {
    let tried = 0;
    let sum = 0;
    for (const id of ids) {
      const what = `${kind} ${id}`;
      if (this.#quarantine.has(what)) continue;
      tried += 1;
      const result = await this.#try(what, () => handle(id));
      if (result === undefined) this.#quarantine.set(what, this.#now + QUARANTINE_MS);
      else sum += result;
    }
    return { tried, sum };
  }

  /**
   * Runs the jobs of a kind that a query finds due. It finds the quarantined ones first, so its limit is raised by as many. `full`: there
   * may be more.
   */
  async eachDue(
    kind: string,
    due: { readonly atOnce?: number; find(limit: number): Promise<readonly string[]> },
    handle: (id: string) => Promise<number>,
  ): Promise<{ tried: number; sum: number; full: boolean }> {
    const limit = (due.atOnce ?? ROWS_AT_ONCE_MAX) + this.quarantined(kind);
    const ids = await due.find(limit);
    return { ...(await this.each(kind, ids, handle)), full: ids.length === limit };
  }

  /** Throws an `AggregateError` if a job failed. */
  end(): void {
    if (this.#failures.length === 0) return;
    const reported = this.#failures.slice(0, REPORTED_MAX).map(({ what, error }) => `${what}: ${messageOf(error)}`);
    const more = this.#failures.length > REPORTED_MAX ? `; and ${this.#failures.length - REPORTED_MAX} more` : "";
    const errors = this.#failures.map(({ error }) => error);
    throw new AggregateError(errors, `background work could not be done: ${reported.join("; ")}${more}`);
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

/** Whether every other job would fail too. */
export function isOfDatabase(error: unknown): boolean {
  if (error instanceof CommitUnknown) return true;
  return error instanceof BatonError && error.code === "unavailable" && error.details?.["busy"] !== true;
}
