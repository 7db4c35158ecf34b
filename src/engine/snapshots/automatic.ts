import type { NewEvent } from "../../store/events/events.js";
import type { Run } from "../../store/runs/runs.js";
import { type EngineContext, SERVER } from "../context.js";
import type { FailedTask } from "../effect.js";
import { requestCheckpoint } from "../../store/checkpoints/checkpoints.js";
import { type SnapshotSize, isLarger } from "../../store/snapshots/run-snapshots.js";
import type { Tx } from "../../store/tx.js";
import { packAtOnce } from "./codec.js";
import { saveSnapshot, createdEvent, canSnapshot } from "./save.js";
import { snapshotRun, partsOf } from "./run-snapshot.js";

/** Up to here a copy inside the transaction takes it some milliseconds longer. */
const SNAPSHOT_AT_ONCE_MAX: SnapshotSize = { tasks: 500, bytes: 1024 * 1024 };
const NAMED_MAX = 3;

/** A point of a run that it can be taken back to. */
export interface TurningPoint {
  readonly run: Run;
  readonly kind: "gate" | "phase";
  /** Keys of the gates, or names of the phases, that are about to begin. */
  readonly beginning: readonly string[];
  /** Dead letters that the transaction has still to record. */
  readonly failures: readonly FailedTask[];
}

/**
 * Saves a checkpoint of a run before gates, questions or phases begin. A large run is copied by the next tick instead: then they have begun
 * already. Returns the events to record.
 */
export function* checkpointBefore(ctx: EngineContext, point: TurningPoint): Tx<NewEvent[]> {
  const { run, kind, failures } = point;
  if ((kind === "gate" && !ctx.settings.checkpoint_gates) || !canSnapshot(run)) return [];
  if (yield* isLarger(run.id, SNAPSHOT_AT_ONCE_MAX)) {
    yield* checkpointSoon(ctx, point);
    return [];
  }
  const unwritten = failures.map(({ task, error }) => ({ id: "", task, error }));
  const snapshot = yield* snapshotRun(ctx, run.id, { unwritten });
  if (!snapshot) throw new Error(`run ${run.id} is gone under its own lock`);
  const order = { kind, label: `before ${namesOf(point)}`, by: SERVER };
  const { checkpoint } = yield* saveSnapshot(ctx, { head: snapshot.head, ...packAtOnce(partsOf(snapshot)) }, order);
  return [createdEvent(checkpoint, SERVER)];
}

/** Asks the next tick for a checkpoint of a run. */
export function* checkpointSoon(ctx: EngineContext, point: TurningPoint): Tx<void> {
  yield* requestCheckpoint({ run: point.run.id, kind: point.kind, label: `at ${namesOf(point)}` }, ctx.now);
}

function namesOf({ kind, beginning }: TurningPoint): string {
  const more = beginning.length - NAMED_MAX;
  const named = `${beginning.slice(0, NAMED_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return kind === "phase" ? `phase ${named}` : named;
}
