import type { AttemptOutcome, TaskStatus } from "../base/statuses.js";
import type { Settings } from "../base/settings.js";
import type { NewEvent } from "../store/events/events.js";
import type { Counters } from "../store/runs/counters.js";
import type { Run } from "../store/runs/runs.js";
import type { AttemptError } from "../store/tasks/attempts.js";
import type { Task } from "../store/tasks/tasks.js";
import type { UsageRecord } from "../store/usage/records.js";
import type { Tx, TxContext } from "../store/tx.js";

/**
 * Reacts to a change of a run, in the change's own transaction and after the rows of the run have been written, its end included.
 * The list in effects.ts is in lock order: an effect locks only rows that come after those of the effects before it, and none of a
 * run. An effect with nothing to do yields no statement.
 */
export type Effect = (ctx: EffectContext, outcome: RunOutcome) => Tx<EffectResult>;

/** The context of an effect: the caller is no part of it, since background work changes runs too. */
export interface EffectContext extends TxContext {
  readonly settings: Settings;
  /**
   * Tells the process that the transaction leaves work due at once, which then does not wait for the next tick. A hint: a
   * transaction that is rolled back may give it too, and due work is found without it.
   */
  readonly onDue?: () => void;
  /** Takes down what the transaction changes of runs, for traces; absent where none are exported. */
  readonly noted?: NotedChanges | undefined;
}

/** The changes of runs in one transaction. Made anew each time that it runs, and true once it has committed. */
export interface NotedChanges {
  /** Runs of which something was written, be it progress alone. */
  readonly runs: Run[];
  readonly outcomes: NotedOutcome[];
}

export interface NotedOutcome extends Pick<RunOutcome, "run" | "counters" | "runEnded" | "attempts" | "usages"> {
  readonly at: number;
}

/**
 * The outcome of a change of a run. Tasks that it added, and tasks that moved in bulk (blocked by a stop, cancelled
 * with the run), are in the counters only.
 */
export interface RunOutcome {
  /** As it is now, with what the effects before have changed of it. */
  readonly run: Run;
  readonly counters: Counters;
  /** Whether the run ended by this change. */
  readonly runEnded: boolean;
  readonly attempts: readonly EndedAttempt[];
  readonly usages: readonly RunUsage[];
  readonly verdicts: readonly WorkVerdict[];
  readonly moves: readonly TaskMove[];
  /** Tasks, as they were, that an agent lost the reservation of before its time was over. */
  readonly unreserved: readonly Pick<Task, "id">[];
  readonly failures: readonly FailedTask[];
}

/** Use of a model that was reported. */
export type RunUsage = Omit<UsageRecord, "id" | "day" | "at">;

/** An attempt that ended. */
export interface EndedAttempt {
  /** Id. */
  readonly task: string;
  readonly key: string;
  readonly number: number;
  /** The token under which it ran: no other attempt of the task has had it. */
  readonly token: number;
  readonly outcome: AttemptOutcome;
  /** Its holder; null where the server or a person ended a task without a holder. */
  readonly agent: string | null;
  /** The kind of work. */
  readonly type: string;
  /** How long it ran, without the time that its host slept. */
  readonly durationMs: number;
  /** Whether its result waits for a review, whose verdict says how good it was. */
  readonly submitted: boolean;
  readonly startedAt: number | null;
  /** Whether the resources of its task are freed: not where another agent goes on with it. */
  readonly hasResources?: boolean;
  /** The MCP server that it called, and the type of the error that it ended with. */
  readonly server?: string | undefined;
  readonly errorType?: string | undefined;
  /** Memory and processor time of a command. */
  readonly consumed?: Consumption | undefined;
  /** Whether a circuit breaker counts it though it succeeded. */
  readonly hasBreaker?: boolean | undefined;
}

/** Memory and processor time that a command has taken, as far as they could be measured. */
export interface Consumption {
  /** The most that all its processes had together. */
  readonly memoryBytes?: number | undefined;
  readonly cpuMs?: number | undefined;
  /** Processor cores that it used in the mean, from its start to its end. */
  readonly cores?: number | undefined;
}

/** A reviewer's verdict on the work of an agent. */
export interface WorkVerdict {
  readonly agent: string;
  /** The kind of work. */
  readonly type: string;
  /** From 0 to 1. */
  readonly quality: number;
}

/** A task that changed its state. */
export interface TaskMove {
  /** As it was before. */
  readonly task: Pick<Task, "id" | "kind" | "status" | "reservedFor">;
  readonly to: TaskStatus;
}

/** A task that became a dead letter. */
export interface FailedTask {
  /** Id. */
  readonly task: string;
  readonly error: AttemptError;
  /** Whether a later try may succeed: not after an error that its type, or the caller, calls final. */
  readonly replayable: boolean;
}

export interface EffectResult {
  readonly events?: readonly NewEvent[];
  /** The run, where the effect has changed it. */
  readonly run?: Run;
}
