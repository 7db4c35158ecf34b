import { wantCheckpoint } from "../store/checkpoints.js";
import { type CopySize, isLarger } from "../store/run-copies.js";
import type { Task } from "../store/tasks.js";
import type { Tx } from "../store/tx.js";
import { packAtOnce } from "./checkpoint-codec.js";
import { createdEvent, isCopyable, keepCopy } from "./checkpoints.js";
import { SERVER } from "./conclude.js";
import type { RunChange } from "./run-change.js";
import { copyRun, partsOfCopy } from "./run-copy.js";

/** Up to here a copy inside the transaction takes it some milliseconds longer. */
const COPIED_AT_ONCE_MAX: CopySize = { tasks: 500, bytes: 1024 * 1024 };
const KEYS_NAMED_MAX = 3;

/**
 * Keeps how a run stands before gate and human steps begin, once for all that begin in one transaction. A large run is copied by the
 * next tick instead: then the step has begun already.
 */
export function* copyBeforeGates(change: RunChange, tasks: readonly Task[]): Tx<void> {
  const gates = tasks.filter(({ kind }) => kind === "gate" || kind === "human");
  const { ctx, run } = change;
  if (gates.length === 0 || change.copied || !isCopyable(run) || !ctx.settings.checkpoint_gates) return;
  change.copied = true;
  if (yield* isLarger(run.id, COPIED_AT_ONCE_MAX)) {
    yield* wantCheckpoint(run.id, `at ${namesOf(gates)}`, ctx.now);
    return;
  }
  const copy = yield* copyRun(ctx, run.id, { unwritten: change.unwrittenLetters });
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
