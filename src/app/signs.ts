import type { Sign } from "../engine/agents/presence.js";
import type { Clock } from "../runtime/clock.js";

interface Known {
  /** Of its last call, in awake time of this process. */
  at: number;
  /** Calls under way. */
  calls: number;
  /** Its last call as it is recorded in the database. */
  recordedAt: number | undefined;
}

const KNOWN_MAX = 1_000;

/** The calls that agents make through this process, until they are recorded with the session's renewal. */
export class Signs {
  readonly #clock: Clock;
  readonly #agents = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes a call. Returns the function that ends it, and the time since the agent's last one; undefined for its first. */
  begin(agent: string): { readonly end: () => void; readonly quietMs: number | undefined } {
    const before = this.#agents.get(agent);
    const now = this.#clock.awake();
    const known = before ?? { at: now, calls: 0, recordedAt: undefined };
    const quietMs = before && (before.calls > 0 ? 0 : now - before.at);
    known.at = now;
    known.calls += 1;
    // The last one in the map is the last one heard of.
    this.#agents.delete(agent);
    this.#agents.set(agent, known);
    this.#forget();
    const end = () => {
      known.calls -= 1;
      known.at = this.#clock.awake();
    };
    return { end, quietMs };
  }

  /** The signs that are not recorded yet. A call under way is a sign as long as it lasts. */
  unrecorded(): Sign[] {
    const now = this.#clock.awake();
    return [...this.#agents]
      .filter(([, { at, calls, recordedAt }]) => calls > 0 || at !== recordedAt)
      .map(([agent, { at, calls }]) => ({ agent, agoMs: calls > 0 ? 0 : Math.round(now - at) }));
  }

  /** These signs are recorded. */
  recorded(signs: readonly Sign[]): void {
    const now = this.#clock.awake();
    for (const { agent, agoMs } of signs) {
      const known = this.#agents.get(agent);
      // A call since then stays unrecorded.
      if (known !== undefined && (agoMs === 0 || Math.round(now - known.at) >= agoMs)) known.recordedAt = known.at;
    }
  }

  #forget(): void {
    for (const [agent, { calls }] of this.#agents) {
      if (this.#agents.size <= KNOWN_MAX) return;
      if (calls === 0) this.#agents.delete(agent);
    }
  }
}
