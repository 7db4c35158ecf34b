// The form of metrics: families of samples, as Prometheus has them.

export type Labels = Readonly<Record<string, string>>;

export interface MetricSample {
  /** After the family's name: `_bucket`, `_sum` or `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface MetricFamily {
  /** Without a prefix. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly MetricSample[];
}

/** Bytes that have come and gone. */
export interface ByteCounts {
  readonly in: number;
  readonly out: number;
}

export function bytesFamily(transport: "http" | "stdio", transferred: ByteCounts): MetricFamily {
  return {
    name: "bytes_total",
    help: "Bytes over the connections of this process, by transport and direction.",
    type: "counter",
    samples: (["in", "out"] as const).map((direction) => ({
      labels: { transport, direction },
      value: transferred[direction],
    })),
  };
}

/** Values by one label. */
export class LabelledCounts {
  readonly #label: string;
  readonly #counts = new Map<string, number>();

  constructor(label: string) {
    this.#label = label;
  }

  add(value: string, by = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + by);
  }

  of(value: string): number {
    return this.#counts.get(value) ?? 0;
  }

  get samples(): MetricSample[] {
    return [...this.#counts].map(([value, count]) => ({ labels: { [this.#label]: value }, value: count }));
  }
}

/** The share of what has a property. */
export class Share {
  #those = 0;
  #all = 0;

  add(isOne: boolean): void {
    this.#all += 1;
    if (isOne) this.#those += 1;
  }

  /** Undefined where there is nothing yet. */
  get value(): number | undefined {
    return this.#all === 0 ? undefined : this.#those / this.#all;
  }
}

/** The mean of values. */
export class Mean {
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += value;
    this.#count += 1;
  }

  get value(): number | undefined {
    return this.#count === 0 ? undefined : this.#sum / this.#count;
  }
}

/** Upper bounds in seconds: a claim takes milliseconds, a task up to hours. */
const BOUNDS = [0.005, 0.025, 0.1, 0.5, 1, 2, 5, 15, 60, 300, 900, 3_600, 14_400] as const;

/** Durations by one label, or by none. */
export class Durations {
  readonly #label: string | undefined;
  readonly #series = new Map<string, { counts: number[]; sum: number; count: number }>();

  constructor(label?: string) {
    this.#label = label;
  }

  /** A clock that went back has things end before they began: they took no time. */
  observe(ms: number, value = ""): void {
    const seconds = Math.max(0, ms) / 1_000;
    const series = this.#series.get(value) ?? { counts: BOUNDS.map(() => 0), sum: 0, count: 0 };
    this.#series.set(value, series);
    for (const [at, bound] of BOUNDS.entries()) if (seconds <= bound) series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.sum += seconds;
    series.count += 1;
  }

  /** The mean of all, in milliseconds; undefined without any. */
  get summary(): { readonly count: number; readonly meanMs: number } | undefined {
    const series = [...this.#series.values()];
    const count = series.reduce((total, one) => total + one.count, 0);
    const seconds = series.reduce((total, one) => total + one.sum, 0);
    return count === 0 ? undefined : { count, meanMs: (1_000 * seconds) / count };
  }

  get samples(): MetricSample[] {
    return [...this.#series].flatMap(([value, { counts, sum, count }]) => {
      const labels = this.#label === undefined ? {} : { [this.#label]: value };
      const buckets = [...BOUNDS.map(String), "+Inf"].map((le, at) => {
        return { suffix: "_bucket", labels: { ...labels, le }, value: counts[at] ?? count };
      });
      return [...buckets, { suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value: count }];
    });
  }
}
