/** Someone who does the same work as others; a round gives its figure. */
export interface Contestant {
  readonly name: string;
  round(index: number): Promise<number>;
}

/**
 * Lets all contestants do their rounds in turns, so that whatever else the machine does hits them alike. Every other round goes
 * through them backwards: none always comes first.
 */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const figures = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let index = 0; index < rounds; index++) {
    for (const contestant of index % 2 === 0 ? contestants : contestants.toReversed()) {
      figures.get(contestant.name)?.push(await contestant.round(index));
    }
  }
  return figures;
}

/** The figures of one contestant. */
export function figuresOf(all: ReadonlyMap<string, readonly number[]>, name: string): readonly number[] {
  const figures = all.get(name);
  if (figures === undefined) throw new Error(`nobody called ${name} took part`);
  return figures;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that at least this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return sorted[at] ?? Number.NaN;
}

/** The median of what a round of one is to the same round of the other. */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, round) => value / (others[round] ?? Number.NaN)));
}

/** How often a second something was done that takes place `times` times in `work`. */
export async function perSecond(times: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (times * 1_000) / (performance.now() - startedAt);
}

/** How long it takes, in ms, and what it gives. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
}
