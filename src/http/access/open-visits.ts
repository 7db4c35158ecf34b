import type { ServerResponse } from "node:http";
import { BatonError, isOutdated } from "../../base/errors.js";
import type { Logger } from "../../runtime/logger.js";
import type { Visitor } from "./admission.js";

export interface OpenVisitsParts {
  /** Tokens, of these, that still let in. Errors: `unavailable`. */
  stillLetIn(tokens: readonly string[]): Promise<ReadonlySet<string>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
}

interface Visit {
  readonly visitor: Visitor;
  readonly outgoing: ServerResponse;
  /** By the monotonic clock. */
  readonly since: number;
}

/** How often what lasts is held against who may still come in. */
const CHECK_MS = 2_000;
/** A request that has been here for so long is a stream or a wait. */
const LASTING_MS = 500;

/**
 * Requests that are being answered. A stream or a wait ends soon after what let its visitor in is over: revoked, expired, signed out. So
 * do all when a newer version has moved the schema on, which other servers of the database serve. One look into the database for all of
 * them, and none while nothing lasts.
 */
export class OpenVisits {
  readonly #parts: OpenVisitsParts;
  readonly #visits = new Set<Visit>();
  #isTimed = false;

  constructor(parts: OpenVisitsParts) {
    this.#parts = parts;
  }

  /** Counts a request until its answer is over. */
  enter(visitor: Visitor, outgoing: ServerResponse): void {
    // A client that has left while it was let in: no "close" follows.
    if (outgoing.destroyed) return;
    const visit = { visitor, outgoing, since: performance.now() };
    this.#visits.add(visit);
    outgoing.once("close", () => this.#visits.delete(visit));
    if (!this.#isTimed) this.#checkLater();
  }

  #checkLater(): void {
    this.#isTimed = true;
    setTimeout(() => void this.#check(), CHECK_MS).unref();
  }

  async #check(): Promise<void> {
    const before = performance.now() - LASTING_MS;
    const lasting = [...this.#visits].filter(({ since }) => since < before);
    if (lasting.length > 0) for (const visit of await this.#over(lasting)) end(visit);
    this.#isTimed = false;
    if (this.#visits.size > 0) this.#checkLater();
  }

  async #over(visits: readonly Visit[]): Promise<readonly Visit[]> {
    const now = this.#parts.now();
    const expired = visits.filter(({ visitor }) => (visitor.expiresAt ?? Infinity) <= now);
    try {
      const still = await this.#parts.stillLetIn([...new Set(visits.flatMap(tokenOf))]);
      const revoked = visits.filter((visit) => tokenOf(visit).some((token) => !still.has(token)));
      return [...new Set([...expired, ...revoked])];
    } catch (error) {
      if (isOutdated(error)) return visits;
      if (!(error instanceof BatonError)) this.#parts.logger.error("open requests were not checked", { error });
      return expired;
    }
  }
}

/** The id of a token of the database. */
function tokenOf({ visitor: { by, access } }: Visit): readonly string[] {
  return access !== undefined && (by === "token" || by === "browser") ? [access.id] : [];
}

/** A stream comes to its end; a call that has no answer yet is broken off. */
function end({ outgoing }: Visit): void {
  if (outgoing.headersSent) outgoing.end();
  else outgoing.destroy();
}
