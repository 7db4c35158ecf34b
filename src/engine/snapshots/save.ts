import type { CheckpointKind, RunStatus } from "../../base/statuses.js";
import * as store from "../../store/checkpoints/checkpoints.js";
import { RUNS, type Run } from "../../store/runs/runs.js";
import type { NewEvent } from "../../store/events/events.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Packed } from "./codec.js";
import type { RunSnapshot } from "./run-snapshot.js";

export interface CheckpointOrder {
  readonly kind: CheckpointKind;
  readonly label: string | null;
  readonly by: string;
}

export interface SavedCheckpoint {
  readonly checkpoint: store.Checkpoint;
  /** Ids of older ones that went to make room. */
  readonly removed: readonly string[];
}

/** A snapshot as it is stored, with the facts that are known without reading it. */
export interface PackedSnapshot extends Packed {
  readonly head: RunSnapshot["head"];
}

export const BETWEEN: ReadonlySet<RunStatus> = new Set(["cancelling", "compensating"]);
export function reasonAgainst({ kind, status, stage, endedAt }: Run): string | undefined {
  if (kind === "standing") return "it holds the ad-hoc tasks of its project, and has no plan to go back to";
  if (BETWEEN.has(status)) return `it is ${status}; wait until that is over`;
  // A run that stops after a failure only comes to its end.
  if (stage !== null && endedAt === null) return `it is ${stage} after a failure; wait until that is over`;
  return undefined;
}

export function canSnapshot(run: Run): boolean {
  return reasonAgainst(run) === undefined;
}

/** Manual checkpoints kept per run: a bound for agents that make them in a loop. */
export const MANUAL_KEPT = 100;
export function keptOf(ctx: EngineContext, kind: CheckpointKind): number {
  return kind === "manual" ? MANUAL_KEPT : ctx.settings.checkpoints_kept;
}

export function createdEvent({ id, kind, label, run, project, counts }: store.Checkpoint, by: string): NewEvent {
  const tasks = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { type: "checkpoint.created", project, run, agent: by, data: { checkpoint: id, kind, label, tasks } };
}

/** Saves a snapshot as a checkpoint and removes the oldest. The caller has locked its run. */
export function* saveSnapshot(ctx: EngineContext, packed: PackedSnapshot, order: CheckpointOrder): Tx<SavedCheckpoint> {
  const { head } = packed;
  const run = RUNS.read(head.run);
  const checkpoint: store.Checkpoint = {
    id: ctx.newId("checkpoint"),
    run: run.id,
    project: run.project,
    kind: order.kind,
    label: order.label,
    format: packed.format,
    hash: packed.hash,
    bytes: packed.bytes,
    runStatus: run.status,
    counts: head.tally.counts,
    attempts: head.tally.attempts,
    cursor: head.cursor,
    changedAt: head.changedAt,
    takenAt: head.takenAt,
    createdBy: order.by,
  };
  yield* store.insertCheckpoint(checkpoint, packed.parts);
  yield* store.recordTaken({ run: run.id, at: ctx.now, changedAt: head.changedAt });
  const removed = yield* store.removeOldest(run.id, order.kind, keptOf(ctx, order.kind));
  return { checkpoint, removed };
}
