import { BatonError } from "../base/errors.js";
import { type ClaimRequest, claimTask, worthClaiming } from "../engine/claims/claims.js";
import { HeadStarts } from "../engine/claims/head-starts.js";
import type { Claim } from "../engine/claims/taking.js";
import type { HostWith } from "../dispatch/operation.js";

interface WaitingClaim extends Omit<ClaimRequest, "catchesUp" | "headStarts"> {
  readonly wait_seconds?: number | undefined;
}

export type Decided = Exclude<Claim, { outcome: "again" }>;

// Each try sets up to 64 sets of files aside: enough for every file of a run of 10,000 tasks.
const TRIES_MAX = 500;

/** The database's clock may be a little behind this process's, and it looks once. */
const CLOCKS_APART_MS = 20;

/** One claim_task call: as many transactions as it takes. */
export class ClaimCall {
  /** Told in the first of them. */
  #lost: NonNullable<Claim["lost"]> = [];
  /** Only a call that waits leaves work to others for a moment. */
  readonly #headStarts = new HeadStarts();
  /** The instant of the last look. */
  #now = 0;
  /** When what an exclusion or a breaker keeps away may be claimed: its end changes no row, so nothing wakes the wait. */
  #lookAt = 0;

  constructor(
    readonly host: Pick<HostWith<"background">, "read" | "transact" | "background" | "signal">,
    readonly input: WaitingClaim,
  ) {}

  /** Milliseconds until something may be claimed that no change of a row announces. */
  nextLookMs(): number | undefined {
    const ends = [this.#lookAt - performance.now(), this.#headStarts.endsInMs(this.#now) ?? 0].filter((ms) => ms > 0);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  async claim(): Promise<Decided> {
    const headStarts = (this.input.wait_seconds ?? 0) > 0 ? this.#headStarts : undefined;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const request = { ...this.input, headStarts, catchesUp: this.host.background.mayBeBehind() };
      const found = await this.host.transact((ctx) => claimTask(ctx, request), "claim");
      this.#lost = [...this.#lost, ...(found.lost ?? [])];
      if (found.outcome !== "again") {
        const endsInMs = found.outcome === "none" ? found.endsInMs : undefined;
        this.#lookAt = endsInMs === undefined ? 0 : performance.now() + endsInMs + CLOCKS_APART_MS;
        return { ...found, lost: this.#lost };
      }
      if (found.due === true) await this.host.background.catchUp();
    }
    throw new BatonError("unavailable", "Other agents claimed every candidate first: call claim_task again.", {
      retry: { after_ms: 100 },
    });
  }

  /** A retry, a lapsed reservation or a lost lease may be the work: once they are handled, a claim that found nothing tries again. */
  async claimOrCatchUp(): Promise<Decided> {
    const found = await this.claim();
    if (found.outcome === "claimed" || !(await this.host.background.catchUp())) return found;
    return this.claim();
  }

  /** A look that writes nothing, so that those who wait do not wake each other. */
  async worthTrying(): Promise<boolean> {
    return this.host.read((ctx) => {
      this.#now = ctx.now;
      return worthClaiming(ctx, { ...this.input, headStarts: this.#headStarts });
    });
  }

  /** The last try of a call that left work to others and has no time to wait any more. One that was cancelled takes nothing. */
  async atEnd(): Promise<Decided | undefined> {
    if (this.host.signal.aborted || this.#headStarts.endsInMs(this.#now) === undefined) return undefined;
    this.#headStarts.end();
    return this.claim();
  }

  /** Nothing can come of waiting longer. */
  over(found: Decided): boolean {
    return found.outcome === "none" && found.reason === "run_finished";
  }
}
