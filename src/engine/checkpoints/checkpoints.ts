import { createHash } from "node:crypto";
import { idOfCursor, type PageQuery, pageOf } from "../../base/lists/paging.js";
import type { Engine } from "../engine.js";
import * as store from "../../store/checkpoints/checkpoints.js";
import { lockRun } from "../../store/lock-order.js";
import { type Run } from "../../store/runs/runs.js";
import { type RunTally, tallyOf } from "../../store/snapshots/run-snapshots.js";
import type { Tx } from "../../store/tx.js";
import { FORMAT, Packer, unpack } from "../snapshots/codec.js";
import type { EngineContext } from "../context.js";
import { BatonError, callOperation } from "../../base/errors.js";
import { iso } from "../../base/time.js";
import { BRIEF_TOKENS, getBrief } from "../briefs/briefs.js";
import { RunChange } from "../lifecycle/run-change.js";
import {
  snapshotRun,
  headText,
  type KeptBrief,
  type OpenSnapshot,
  readHead,
  readParts,
  type RunSnapshot,
} from "../snapshots/run-snapshot.js";
import { requireRun } from "../lookup.js";
import {
  createdEvent,
  saveSnapshot,
  reasonAgainst,
  type CheckpointOrder,
  type PackedSnapshot,
  type SavedCheckpoint,
} from "../snapshots/save.js";

export type { Checkpoint } from "../../store/checkpoints/checkpoints.js";

/** A run whose state can be gone back to. Errors: `invalid_transition`. */
function requireSnapshotable(run: Run): Run {
  const why = reasonAgainst(run);
  if (why === undefined) return run;
  throw new BatonError("invalid_transition", `Run ${run.id} can be given no checkpoint: ${why}.`, {
    details: { run: run.id, kind: run.kind, status: run.status },
    next: [{ tool: "get_run", arguments: { run: run.id } }],
  });
}

/** Returns the snapshot of a run, read while other work goes on. Errors: `not_found`, `invalid_transition`. */
function* snapshotForCheckpoint(ctx: EngineContext, id: string, onPage: (page: string) => void): Tx<RunSnapshot> {
  requireSnapshotable(yield* requireRun(id));
  const snapshot = yield* snapshotRun(ctx, id, { onPage });
  if (!snapshot) throw new Error(`run ${id} is not in its own snapshot`);
  return { ...snapshot, head: { ...snapshot.head, brief: yield* briefToKeep(ctx, id) } };
}

function* briefToKeep(ctx: EngineContext, run: string): Tx<KeptBrief> {
  const { brief: text, tokens } = yield* getBrief(ctx, { run }, BRIEF_TOKENS.default);
  return { text, tokens, hash: createHash("sha256").update(text).digest("hex") };
}

/** Stores a snapshot that was read before. Errors: `not_found` for a run that has gone meanwhile. */
export function* storeCheckpoint(
  ctx: EngineContext,
  packed: PackedSnapshot,
  order: CheckpointOrder,
): Tx<SavedCheckpoint> {
  const id = String(packed.head.run["id"]);
  const run = (yield* lockRun(id)) ?? (yield* requireRun(id));
  const taken = yield* saveSnapshot(ctx, packed, order);
  const change = new RunChange(ctx, run);
  change.append([createdEvent(taken.checkpoint, order.by)]);
  yield* change.writeHistory();
  return taken;
}

/** Takes a checkpoint of a run by itself: copied, compressed and stored, the first two while others go on. */
export async function takeCheckpoint(engine: Engine, run: string, order: CheckpointOrder): Promise<SavedCheckpoint> {
  const packed = await packRun(engine, run);
  return engine.transact((ctx) => storeCheckpoint(ctx, packed, order));
}

/** Returns the compressed snapshot of a run, read while other work goes on. Errors: `not_found`, `invalid_transition`. */
export async function packRun(engine: Pick<Engine, "snapshot">, run: string): Promise<PackedSnapshot> {
  const packer = new Packer();
  const snapshot = await engine.snapshot((ctx) => {
    packer.begin();
    return snapshotForCheckpoint(ctx, run, packer.add);
  });
  return { head: snapshot.head, ...(await packer.finish(headText(snapshot))) };
}

/** A checkpoint as it is stored. */
export interface StoredCheckpoint {
  readonly checkpoint: store.Checkpoint;
  readonly parts: readonly string[];
}

/** Errors: `not_found`, `unavailable` for one of a newer version. */
export function* requireCheckpoint(id: string): Tx<StoredCheckpoint> {
  const checkpoint = yield* store.findCheckpoint(id);
  if (!checkpoint) {
    throw new BatonError("not_found", `There is no checkpoint ${id}.`, {
      details: { checkpoint: id },
      next: [{ tool: "find_operations", arguments: { query: "list_checkpoints" } }],
    });
  }
  // A newer version may also store its parts in another way.
  return { checkpoint, parts: checkpoint.format > FORMAT ? [] : yield* store.partsOf(id) };
}

/** The content of a checkpoint. Errors: `unavailable` for one of a newer version or a damaged one. */
export function openCheckpoint(stored: StoredCheckpoint): Promise<OpenSnapshot> {
  return readParts(unpacked(stored), stored.checkpoint.format);
}

function unpacked({ checkpoint, parts }: StoredCheckpoint): AsyncGenerator<string> {
  return unpack(checkpoint.id, { ...checkpoint, parts });
}

/** The brief that a checkpoint keeps. Errors: those of `openCheckpoint`, `not_found` where it keeps none. */
export async function keptBrief(stored: StoredCheckpoint): Promise<KeptBrief> {
  const { brief } = await readHead(unpacked(stored));
  if (brief !== undefined) return brief;
  const { id, kind, run } = stored.checkpoint;
  const message = `Checkpoint ${id} (${kind}) keeps no brief: it was taken in the middle of a change of its run, or by an older version. get_brief {run} says how the run stands now.`;
  throw new BatonError("not_found", message, {
    details: { checkpoint: id, kind },
    next: [callOperation("get_brief", { run })],
  });
}

/** Checkpoints of a run, newest first, each with what has changed since. Errors: `not_found`. */
export function* listCheckpointPage(query: PageQuery & { readonly run: string }) {
  const run = yield* requireRun(query.run);
  const found = yield* store.listCheckpoints(run.id, {
    before: idOfCursor("checkpoint", query.cursor),
    limit: query.limit + 1,
  });
  const { page, next } = pageOf(found, query.limit, ({ id }) => id);
  const now = yield* tallyOf(run.id);
  return {
    checkpoints: page.map((checkpoint) => ({ ...checkpointView(checkpoint), since: sinceOf(checkpoint, now) })),
    ...next,
  };
}

export function checkpointView(checkpoint: store.Checkpoint) {
  const { id, run, kind, label, bytes, runStatus, counts, takenAt, createdBy } = checkpoint;
  return {
    id,
    run,
    kind,
    ...(label === null ? {} : { label }),
    taken_at: iso(takenAt),
    created_by: createdBy,
    run_status: runStatus,
    tasks: total(counts),
    counts: { ...counts },
    size_bytes: bytes,
  };
}

function sinceOf({ counts, attempts, cursor }: store.Checkpoint, now: RunTally) {
  const states = new Set([...Object.keys(counts), ...Object.keys(now.counts)]);
  const changes = [...states].map((state) => [state, (now.counts[state] ?? 0) - (counts[state] ?? 0)] as const);
  return {
    tasks_added: total(now.counts) - total(counts),
    attempts: now.attempts - attempts,
    counts: Object.fromEntries(changes.filter(([, by]) => by !== 0)),
    cursor,
  };
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
