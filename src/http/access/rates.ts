/** Callers that are remembered: those that were heard of longest ago give way. */
const CALLERS_MAX = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/** How often each caller may do something: so often a second, and as much at once as in two. */
export class Rates {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  /** 0: as often as it likes. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes one. Returns undefined where there was one, else after how many seconds there is. */
  take(caller: string): number | undefined {
    const wait = this.wait(caller);
    const bucket = this.#buckets.get(caller);
    if (wait === undefined && bucket !== undefined) bucket.left -= 1;
    return wait;
  }

  /** Says the same, and takes none. */
  wait(caller: string): number | undefined {
    if (this.#perSecond === 0) return undefined;
    const most = this.#perSecond * 2;
    const now = performance.now();
    const { left, at } = this.#buckets.get(caller) ?? { left: most, at: now };
    const bucket = { left: Math.min(most, left + ((now - at) / 1_000) * this.#perSecond), at: now };
    this.#buckets.delete(caller);
    this.#buckets.set(caller, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > CALLERS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
    return bucket.left >= 1 ? undefined : Math.ceil((1 - bucket.left) / this.#perSecond);
  }
}
