import { setTimeout as after } from "node:timers/promises";
import type { TypedCall, EventAnswer } from "../typed-calls.js";
import { openQuestions } from "./questions.js";
import type { RunState } from "./state.js";

export interface Followed {
  readonly call: TypedCall;
  readonly run: string;
  /** Fetch every task, not only those at work. */
  readonly table: boolean;
  readonly warnings: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface FreshEvent {
  readonly event: EventAnswer;
  /** Duration of the attempt that ended with the event, in ms. */
  readonly lastedMs: number | undefined;
}

export interface RunUpdate {
  readonly state: RunState;
  /** Events since the previous poll, oldest first. */
  readonly fresh: readonly FreshEvent[];
}

const PAGE = 200;
/** Of one poll: a long history is read in several. */
const PAGES_MAX = 25;
const RECENT = 12;
const ENDS = new Set(
  ["succeeded", "retry", "dead_letter", "released", "lease_lost", "cancelled"].map((to) => `task.${to}`),
);

/** Reads a run by the operations everybody has: its history from where it left off, then how it stands. */
export class RunFollower {
  readonly #followed: Followed;
  readonly #claimedAt = new Map<string, number>();
  readonly #lastedMs = new Map<string, number>();
  #recent: readonly EventAnswer[] = [];
  #cursor: string | undefined;

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  async poll(): Promise<RunUpdate> {
    const fresh = await this.#history(PAGES_MAX);
    const state = await this.#state();
    // The run may have ended in between, and there is no later poll.
    if (state.run.ended_at !== undefined) fresh.push(...(await this.#history(Number.POSITIVE_INFINITY)));
    this.#recent = [...this.#recent, ...fresh.map(({ event }) => event)].slice(-RECENT);
    return {
      state: { ...state, claimedAt: new Map(this.#claimedAt), lastedMs: this.#lastedMs, recent: this.#recent },
      fresh,
    };
  }

  async #history(pagesMax: number): Promise<FreshEvent[]> {
    const { call, run } = this.#followed;
    const fresh: FreshEvent[] = [];
    for (let page = 0; page < pagesMax; page++) {
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      const { events, next_cursor: next, more } = await call("list_events", { run, limit: PAGE, ...cursor });
      this.#cursor = next;
      for (const event of events) fresh.push({ event, lastedMs: this.#lasted(event) });
      if (!more) break;
    }
    return fresh;
  }

  #lasted({ type, task, at }: EventAnswer): number | undefined {
    if (task === undefined) return undefined;
    if (type === "task.claimed") this.#claimedAt.set(task, Date.parse(at));
    if (!ENDS.has(type)) return undefined;
    const claimedAt = this.#claimedAt.get(task);
    this.#claimedAt.delete(task);
    if (claimedAt === undefined) return undefined;
    const lasted = Date.parse(at) - claimedAt;
    this.#lastedMs.set(task, lasted);
    return lasted;
  }

  async #state(): Promise<Omit<RunState, "claimedAt" | "lastedMs" | "recent">> {
    const { call, run: id, table, warnings, now: followedAt } = this.#followed;
    const found = await call("get_run", { run: id, ...(table && { include: ["tasks"] }) });
    const { eta_ms: etaMs } = await call("get_run_progress", { run: id });
    const { run, budget, running, ready, waiting, dead_letter: failed, tasks = [] } = found;
    const questions = (await Promise.all(askedIn(id, waiting).map((one) => openQuestions(call, one)))).flat();
    return { run, budget, etaMs, running, ready, waiting, questions, failed, tasks, warnings, followedAt };
  }
}

/** The run and its child runs, as far as a person may be asked there. */
function askedIn(run: string, waiting: RunState["waiting"]): readonly string[] {
  const own = waiting.some(({ kind }) => kind === "human") ? [run] : [];
  return [...own, ...waiting.flatMap(({ child_run: child }) => (child === undefined ? [] : [child]))];
}

export interface Following {
  /** Calls the listener soon after any process has committed; returns what stops it. */
  readonly onWake: (listener: () => void) => () => void;
  /** Fires when the follower is no longer needed. */
  readonly signal: AbortSignal;
  readonly show: (update: RunUpdate) => Promise<void> | void;
}

/** Between two polls, at least: a busy run commits hundreds of times a second. */
const PAUSE_MS = 100;
/** Between two polls, at most, should a wake-up be missed. */
const POLL_MS = 1_000;

/** Shows each change of a run until it has ended or the signal fires; gives the last state. */
export async function follow(follower: RunFollower, { onWake, signal, show }: Following): Promise<RunState> {
  let wakes = 0;
  const stop = onWake(() => (wakes += 1));
  try {
    for (;;) {
      const before = wakes;
      const isWoken = () => wakes > before;
      const update = await follower.poll();
      await show(update);
      if (update.state.run.ended_at !== undefined || signal.aborted) return update.state;
      const deadline = performance.now() + POLL_MS;
      do await pause(signal);
      while (!isWoken() && !signal.aborted && performance.now() < deadline);
    }
  } finally {
    stop();
  }
}

/** Settles after the pause, or when the signal fires. */
async function pause(signal: AbortSignal): Promise<void> {
  try {
    await after(PAUSE_MS, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
