import type { NewEvent } from "../../store/events/events.js";
import type { Run } from "../../store/runs/runs.js";
import { type EngineContext, SERVER } from "../context.js";
import type { FailedTask } from "../effect.js";
import { requestCheckpoint } from "../../store/checkpoints/checkpoints.js";
import { type SnapshotSize, isLarger } from "../../store/snapshots/run-snapshots.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { packAtOnce } from "./codec.js";
import { saveSnapshot, createdEvent, canSnapshot } from "./save.js";
import { snapshotRun, partsOf } from "./run-snapshot.js";

/** Up to here a copy inside the transaction takes it some milliseconds longer. */
const SNAPSHOT_AT_ONCE_MAX: SnapshotSize = { tasks: 500, bytes: 1024 * 1024 };
const KEYS_NAMED_MAX = 3;

/** A run whose gates are about to begin. */
export interface BeforeGates {
  readonly run: Run;
  readonly gates: readonly Task[];
  /** Dead letters that the transaction has still to record. */
  readonly failures: readonly FailedTask[];
}

/**
 * Saves a checkpoint of a run before gate and human steps begin. A large run is copied by the next tick instead: then the step has
 * begun already. Returns the events to record.
 */
export function* checkpointBeforeGates(ctx: EngineContext, { run, gates, failures }: BeforeGates): Tx<NewEvent[]> {
  if (!ctx.settings.checkpoint_gates || !canSnapshot(run)) return [];
  if (yield* isLarger(run.id, SNAPSHOT_AT_ONCE_MAX)) {
    yield* requestCheckpoint(run.id, `at ${namesOf(gates)}`, ctx.now);
    return [];
  }
  const unwritten = failures.map(({ task, error }) => ({ id: "", task, error }));
  const snapshot = yield* snapshotRun(ctx, run.id, { unwritten });
  if (!snapshot) throw new Error(`run ${run.id} is gone under its own lock`);
  const order = { kind: "gate", label: `before ${namesOf(gates)}`, by: SERVER } as const;
  const { checkpoint } = yield* saveSnapshot(ctx, { head: snapshot.head, ...packAtOnce(partsOf(snapshot)) }, order);
  return [createdEvent(checkpoint, SERVER)];
}

function namesOf(gates: readonly Task[]): string {
  const named = gates.slice(0, KEYS_NAMED_MAX).map(({ key }) => key);
  const more = gates.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
