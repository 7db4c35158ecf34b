import type { PendingDeadLetter } from "../../store/dead-letters/dead-letters.js";
import type { NewEvent } from "../../store/events/events.js";
import type { Run } from "../../store/runs/runs.js";
import { type EngineContext, SERVER } from "../context.js";
import { wantCheckpoint } from "../../store/checkpoints/checkpoints.js";
import { type CopySize, isLarger } from "../../store/snapshots/run-snapshots.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { packAtOnce } from "./codec.js";
import { keepCopy, createdEvent, isCopyable } from "./keep.js";
import { copyRun, partsOfCopy } from "./run-snapshot.js";

/** Up to here a copy inside the transaction takes it some milliseconds longer. */
const COPIED_AT_ONCE_MAX: CopySize = { tasks: 500, bytes: 1024 * 1024 };
const KEYS_NAMED_MAX = 3;

/** The part of a run's change used here: whether the run was copied in it, what it has not written yet, and its history. */
export interface CopiedOnce {
  readonly ctx: EngineContext;
  readonly run: Run;
  copied: boolean;
  readonly unwrittenDeadLetters: readonly PendingDeadLetter[];
  append(events: readonly NewEvent[]): void;
}

/**
 * Keeps how a run stands before gate and human steps begin, once for all that begin in one transaction. A large run is copied by the
 * next tick instead: then the step has begun already.
 */
export function* copyBeforeGates(change: CopiedOnce, tasks: readonly Task[]): Tx<void> {
  const gates = tasks.filter(({ kind }) => kind === "gate" || kind === "human");
  const { ctx, run } = change;
  if (gates.length === 0 || change.copied || !isCopyable(run) || !ctx.settings.checkpoint_gates) return;
  change.copied = true;
  if (yield* isLarger(run.id, COPIED_AT_ONCE_MAX)) {
    yield* wantCheckpoint(run.id, `at ${namesOf(gates)}`, ctx.now);
    return;
  }
  const copy = yield* copyRun(ctx, run.id, { unwritten: change.unwrittenDeadLetters });
  if (!copy) throw new Error(`run ${run.id} is gone under its own lock`);
  const order = { kind: "gate", label: `before ${namesOf(gates)}`, by: SERVER } as const;
  const { checkpoint } = yield* keepCopy(ctx, { head: copy.head, ...packAtOnce(partsOfCopy(copy)) }, order);
  change.append([createdEvent(checkpoint, SERVER)]);
}

function namesOf(gates: readonly Task[]): string {
  const named = gates.slice(0, KEYS_NAMED_MAX).map(({ key }) => key);
  const more = gates.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
