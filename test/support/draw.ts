import type { Random } from "../../src/runtime/random.js";

/** Choices of a random source, for histories that repeat themselves from their seed. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  /** One of a list that is not empty. */
  pick<T>(items: readonly [T, ...T[]]): T;
  pick<T>(items: readonly T[]): T | undefined;
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(0, items.length - 1)];
  }

  /** Each of a list with the given probability, at most `most` of them. */
  some<T>(items: readonly T[], probability: number, most = items.length): T[] {
    return items.filter(() => this.chance(probability)).slice(0, most);
  }

  /** One of several choices by their weights. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const choices = Object.entries<number>(weights) as [T, number][];
    let left = this.#random.next() * choices.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of choices) {
      left -= weight;
      if (left < 0) return choice;
    }
    throw new Error("no choice has a weight");
  }
}
