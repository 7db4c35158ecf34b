import type { Random } from "../../../src/runtime/random.js";
import type { Fault, StoreHooks, StorePoint } from "../../../src/store/driver/faults.js";

export const FAULTS = ["crash", "crash_after", "disconnect", "lose_answer"] as const satisfies readonly Fault[];

export interface Strike {
  readonly point: StorePoint;
  readonly fault: Fault;
}

/** Decides where a store is struck, and remembers where it was. */
export class FaultPlan {
  readonly #decide: (point: StorePoint) => Fault | undefined;
  /** Every point that was passed, in order. */
  readonly passed: StorePoint[] = [];
  readonly strikes: Strike[] = [];
  readonly hooks: StoreHooks;

  private constructor(decide: (point: StorePoint) => Fault | undefined) {
    this.#decide = decide;
    this.hooks = { fault: (point) => this.#pass(point) };
  }

  /** Only watches. */
  static none(): FaultPlan {
    return new FaultPlan(() => undefined);
  }

  /** Strikes once, at the n-th point that is passed (from 0). */
  static at(place: number, fault: Fault): FaultPlan {
    let passed = 0;
    return new FaultPlan(() => (passed++ === place ? fault : undefined));
  }

  /** Strikes each point with the given probability, with one of the given faults; the random source repeats it. */
  static random(random: Random, options: { rate: number; faults?: readonly Fault[] }): FaultPlan {
    const faults = options.faults ?? FAULTS;
    return new FaultPlan(() =>
      random.next() < options.rate ? faults[Math.floor(random.next() * faults.length)] : undefined,
    );
  }

  #pass(point: StorePoint): Fault | undefined {
    this.passed.push(point);
    const fault = this.#decide(point);
    if (fault !== undefined) this.strikes.push({ point, fault });
    return fault;
  }
}
