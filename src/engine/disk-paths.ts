import { BatonError } from "../base/errors.js";
import type { PathRoot } from "../runtime/files/real-paths.js";
import type { Tx } from "../store/tx.js";

/** Looks a path of a project up on disk. Errors: `invalid_input` for one that is no file of the project. */
export type FindPath = (place: PathRoot, written: string) => string;

/** A transaction met paths that have not been looked up: it is rolled back, and runs again when they are. */
export class UnknownPaths extends Error {
  constructor() {
    super("the transaction needs paths that have not been looked up");
    this.name = "UnknownPaths";
  }
}

const LOOKS_MAX = 5;

/**
 * Paths that a command needs as they lie on disk. Its transaction may not look: it takes a path that is new to it as it was written,
 * ends in `UnknownPaths`, and finds it when it runs again. A path may depend on what another is: after a few looks the rest are looked up
 * within the transaction, so that there is an end.
 */
export class DiskPaths {
  readonly #findPath: FindPath;
  readonly #known = new Map<string, string | BatonError>();
  readonly #unknown = new Map<string, Parameters<FindPath>>();
  #looks = 0;

  constructor(findPath: FindPath) {
    this.#findPath = findPath;
  }

  find(place: PathRoot, written: string): string {
    const id = JSON.stringify([place.root, place.sharesWorktrees, written]);
    const known = this.#known.get(id);
    if (known instanceof BatonError) throw known;
    if (known !== undefined) return known;
    if (this.#looks >= LOOKS_MAX) return this.#findPath(place, written);
    this.#unknown.set(id, [place, written]);
    return written;
  }

  /** The transaction, whose result or error counts only where it met no path that is unknown. */
  *checked<T>(transaction: Tx<T>): Tx<T> {
    this.#unknown.clear();
    let result: T;
    try {
      result = yield* transaction;
    } catch (error) {
      if (this.#unknown.size === 0) throw error;
      throw new UnknownPaths();
    }
    if (this.#unknown.size > 0) throw new UnknownPaths();
    return result;
  }

  /** Looks up the paths that the transaction met; outside of it. */
  lookUp(): void {
    this.#looks++;
    for (const [id, [place, written]] of this.#unknown) {
      try {
        this.#known.set(id, this.#findPath(place, written));
      } catch (error) {
        if (!(error instanceof BatonError)) throw error;
        this.#known.set(id, error);
      }
    }
  }
}
