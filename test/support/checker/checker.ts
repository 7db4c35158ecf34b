import type { Store } from "../../../src/store/tx.js";
import { acknowledgedFindings } from "./acknowledged.js";
import { artifactFindings } from "./artifacts.js";
import { budgetFindings } from "./budgets.js";
import { attemptFindings, holdingFindings } from "./holding.js";
import type { Acknowledged } from "./journal.js";
import { laneFindings } from "./lanes.js";
import { lockFindings } from "./locks.js";
import { outcomeFindings } from "./outcomes.js";
import { counterFindings, dependencyFindings, endFindings, reservationFindings } from "./runs.js";
import { lossFindings, silenceFindings } from "./liveness.js";
import { takerFindings } from "./takers.js";
import { deliveryFindings } from "./together/deliveries.js";
import { escalationFindings } from "./together/escalations.js";
import { handoffFindings } from "./together/handoffs.js";
import { messageFindings } from "./together/messages.js";
import { resourceFindings } from "./together/resources.js";
import { windowFindings } from "./together/windows.js";
import { readSnapshot, type Snapshot } from "./snapshot.js";

/** Invariants of any history, on either database. */
export const INVARIANTS = [
  /** Every acknowledged write is there. */
  "acknowledged",
  /** Claims and ends of a task never overlap; its tokens only grow; the row says the same. */
  "one_holder",
  /** No task succeeds twice. */
  "done_once",
  /** Every claim has one attempt, ended or open. */
  "attempts",
  /** No two holders of overlapping exclusive locks at once; tokens only grow; the rows say the same. */
  "locks_apart",
  /** No lock of a task that is not held, nor of a session that has ended. */
  "locks_of_living",
  /** Nothing of an ended run is open, and (when all is said to be over) every run has ended. */
  "runs_end",
  /** Maintained counters equal the tasks counted. */
  "counters",
  /** Every ready task that is not parked can be reached by a claim, in order. */
  "lanes",
  /** Counted dependencies equal those that have settled; nothing waits for what can no longer come. */
  "dependencies",
  /** Tasks are ready, blocked and skipped, and runs end, as their dependencies and tasks say, in whatever order they ended. */
  "outcomes",
  /** A task is kept for an agent only for as long as its reservation lasts. */
  "reservations",
  /** Budgets say what the attempts under them have cost, and a spent one stops claims. */
  "budgets",
  /** The leases that a task has lost are those of its history. */
  "losses",
  /** Nothing is taken from a silent agent without a warning, or once it is heard of. */
  "silence",
  /** No agent takes a task that is not for those who worked on another. */
  "takers",
  /** Every artifact has its content and a version of its own, and no author approves what it made. */
  "artifacts",
  /** Messages come in order, each until it is acknowledged. */
  "messages",
  /** Every escalation is opened once, decided at most once, and climbs; every task that waits for a decision has one that is open. */
  "escalations",
  /** Every offer of a task ends once, and keeps its task for its addressee until then. */
  "handoffs",
  /** Context windows count what they hold. */
  "windows",
  /** No resource has more allocated, or more holders, than it may; what is counted as allocated is what allocations have. */
  "resources",
  /** A target is told of each of its events once. */
  "deliveries",
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Finding {
  readonly invariant: Invariant;
  /** Id of what it is about. */
  readonly subject: string;
  readonly detail: string;
}

export interface CheckOptions {
  /** Answers that clients received. */
  readonly journal?: readonly Acknowledged[];
  /** All work is over: every run must have ended, and nothing may be held any more. */
  readonly over?: boolean;
  /** Time of a clock that is not the store's own. */
  readonly at?: number;
}

/** Reads a database and its history and gives everything that should not be. Empty: all invariants hold. */
export class Checker {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async findings(options: CheckOptions = {}): Promise<Finding[]> {
    const snapshot = await readSnapshot(this.#store);
    return findingsOf({ ...snapshot, at: options.at ?? snapshot.at }, options);
  }
}

export function findingsOf(snapshot: Snapshot, { journal = [], over = false }: CheckOptions = {}): Finding[] {
  return [
    ...acknowledgedFindings(snapshot, journal),
    ...holdingFindings(snapshot),
    ...attemptFindings(snapshot),
    ...lockFindings(snapshot, over),
    ...endFindings(snapshot, over),
    ...counterFindings(snapshot),
    ...laneFindings(snapshot),
    ...dependencyFindings(snapshot),
    ...outcomeFindings(snapshot),
    ...reservationFindings(snapshot),
    ...budgetFindings(snapshot),
    ...lossFindings(snapshot),
    ...silenceFindings(snapshot),
    ...takerFindings(snapshot),
    ...artifactFindings(snapshot),
    ...messageFindings(snapshot, journal),
    ...escalationFindings(snapshot, over),
    ...handoffFindings(snapshot, over),
    ...windowFindings(snapshot),
    ...resourceFindings(snapshot),
    ...deliveryFindings(
      snapshot,
      journal.some(({ kind }) => kind === "collected"),
    ),
  ];
}

/** One line each, for the message of a test. */
export function findingsText(findings: readonly Finding[]): string {
  return findings.map(({ invariant, subject, detail }) => `${invariant}: ${subject}: ${detail}`).join("\n");
}
