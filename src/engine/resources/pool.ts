import type { ResourceAmount } from "../../store/resources/resources.js";

/** A resource as a pool knows it. */
export interface PooledResource {
  readonly id: string;
  readonly usersMax: number | null;
  readonly units: readonly { readonly unit: string; readonly capacity: number; readonly allocated: number }[];
  /** Holders that have some of it; known where their number is bounded. */
  readonly users: Iterable<string>;
}

/** A part of a request that does not fit. */
export interface Shortage {
  readonly resource: string;
  /** Absent where the resource has as many holders as it may. */
  readonly unit?: string;
  readonly wanted: number;
  readonly free: number;
  /** Whether it would not fit either if nothing were allocated. */
  readonly never: boolean;
}

/** The free amounts of resources, from which one request after the other takes. Pure: whether they may be is the caller's to ask first. */
export class Pool {
  readonly #free = new Map<string, number>();
  readonly #capacity = new Map<string, number>();
  readonly #users = new Map<string, { readonly max: number; readonly holders: Set<string> }>();

  constructor(resources: readonly PooledResource[]) {
    for (const { id, usersMax, units, users } of resources) {
      if (usersMax !== null) this.#users.set(id, { max: usersMax, holders: new Set(users) });
      for (const { unit, capacity, allocated } of units) {
        this.#capacity.set(keyOf({ resource: id, unit }), capacity);
        this.#free.set(keyOf({ resource: id, unit }), capacity - allocated);
      }
    }
  }

  /** Returns the parts of a request that do not fit now: none where it fits. */
  shortages(holder: string, amounts: readonly ResourceAmount[]): Shortage[] {
    const short: Shortage[] = [];
    for (const { resource, unit, amount } of amounts) {
      const free = Math.max(0, this.#free.get(keyOf({ resource, unit })) ?? 0);
      const capacity = this.#capacity.get(keyOf({ resource, unit })) ?? 0;
      if (amount > free) short.push({ resource, unit, wanted: amount, free, never: amount > capacity });
    }
    for (const resource of new Set(amounts.map((one) => one.resource))) {
      const users = this.#users.get(resource);
      if (!users || users.holders.has(holder) || users.holders.size < users.max) continue;
      short.push({ resource, wanted: 1, free: 0, never: users.max === 0 });
    }
    return short;
  }

  /** Takes amounts, or keeps them for a request that comes first: less than nothing may be left. */
  take(holder: string, amounts: readonly ResourceAmount[]): void {
    for (const amount of amounts) {
      this.#free.set(keyOf(amount), (this.#free.get(keyOf(amount)) ?? 0) - amount.amount);
      this.#users.get(amount.resource)?.holders.add(holder);
    }
  }

  /** The largest part that amounts are of what there is of a resource: the dominant share (Ghodsi et al., NSDI 2011). */
  share(amounts: readonly ResourceAmount[]): number {
    return Math.max(
      0,
      ...amounts.map((one) => {
        const capacity = this.#capacity.get(keyOf(one)) ?? 0;
        return capacity === 0 ? 1 : one.amount / capacity;
      }),
    );
  }
}

function keyOf({ resource, unit }: Pick<ResourceAmount, "resource" | "unit">): string {
  return `${resource} ${unit}`;
}

/** A request in line. */
export interface Waiting {
  readonly id: string;
  readonly holder: string;
  /** Its place among requests of the same share: earlier instants, less its priority, first. */
  readonly bucket: number;
  readonly askedAt: number;
  readonly amounts: readonly ResourceAmount[];
}

/**
 * Serves requests in line: next is always the one whose holder has the smallest dominant share, and among equals the earliest. What
 * does not fit yet keeps what it asks for from those behind it, so that small requests starve no large one; one that can never fit
 * keeps nothing. The pool is left with what is free for newcomers. Returns what each request is short of: of nothing where it is granted.
 */
export function serve(
  pool: Pool,
  waiting: readonly Waiting[],
  held: ReadonlyMap<string, readonly ResourceAmount[]>,
): Map<string, Shortage[]> {
  const holdings = new Map(held);
  const left = new Set(waiting);
  const served = new Map<string, Shortage[]>();
  // A share changes only with what its holder is granted: this runs under the lock of the queue.
  const shares = new Map<string, number>();
  const shareOf = ({ holder }: Waiting): number => {
    const known = shares.get(holder) ?? pool.share(summed(holdings.get(holder) ?? []));
    shares.set(holder, known);
    return known;
  };
  while (left.size > 0) {
    const next = [...left].reduce((a, b) => (comesBefore(b, a, shareOf) ? b : a));
    left.delete(next);
    const short = pool.shortages(next.holder, next.amounts);
    served.set(next.id, short);
    if (short.some(({ never }) => never)) continue;
    pool.take(next.holder, next.amounts);
    if (short.length > 0) continue;
    holdings.set(next.holder, [...(holdings.get(next.holder) ?? []), ...next.amounts]);
    shares.delete(next.holder);
  }
  return served;
}

function comesBefore(a: Waiting, b: Waiting, shareOf: (one: Waiting) => number): boolean {
  const order = shareOf(a) - shareOf(b) || a.bucket - b.bucket || a.askedAt - b.askedAt;
  return order < 0 || (order === 0 && a.id < b.id);
}

/** Amounts with those of the same unit added up. */
export function summed(amounts: readonly ResourceAmount[]): ResourceAmount[] {
  const sums = new Map<string, ResourceAmount>();
  for (const one of amounts) {
    const known = sums.get(keyOf(one));
    sums.set(keyOf(one), known ? { ...known, amount: known.amount + one.amount } : one);
  }
  return [...sums.values()];
}
