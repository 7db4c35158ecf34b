import { lockProject } from "../../store/lock-order.js";
import { renewLocks } from "../../store/locks/locks.js";
import type { Tx } from "../../store/tx.js";
import { actingAgent } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { tellOfLocks } from "../channels/lock-notices.js";
import { confirmHolder, findHolder } from "../locks/holders.js";
import { type MetLock, patternOf } from "../locks/conflicts.js";
import { LockChange } from "../locks/lock-change.js";
import {
  EDIT_LOCK_MS,
  type GuardedFiles,
  heldFile,
  type HeldFile,
  isDueForRenewal,
  locksOn,
  projectOf,
} from "./guarded-files.js";
import { findHookCaller } from "./hook-caller.js";
import { actingAsCaller, findOrOpenCaller, type HookOrigin, recordHookCall } from "./hook-origin.js";

const REASON = "edited";

/**
 * Makes the files that an agent edits its own, as far as they are no other's: for its only running task, else for its session and a while
 * after the last edit. Records the call as a sign of the agent. Returns the files that others hold by now.
 */
export function* takeEditedFiles(
  ctx: EngineContext,
  origin: HookOrigin,
  places: readonly GuardedFiles[],
): Tx<readonly HeldFile[]> {
  const caller = yield* findOrOpenCaller(ctx, origin);
  if (caller === undefined) return [];
  const others: HeldFile[] = [];
  for (const place of places) {
    if (place.workplace.gitRoot === null) continue;
    const acting = yield* actingAsCaller(ctx, caller, place.workplace);
    if (acting !== undefined) others.push(...(yield* takeAt(acting, { origin, caller, place })));
  }
  const [agent] = caller.agents;
  if (agent !== undefined) yield* recordHookCall(ctx, agent);
  return others;
}

type Taking = Pick<Parameters<typeof locksOn>[1], "origin" | "caller" | "place">;

function* takeAt(ctx: EngineContext, taking: Taking): Tx<HeldFile[]> {
  yield* actingAgent(ctx);
  const { project: named, holder } = yield* findHolder(ctx, {});
  const project = (yield* lockProject(named.id)) ?? named;
  const found = yield* locksOn(ctx, { ...taking, project });
  const change = new LockChange(ctx, project.id);
  const session = ctx.caller.session?.id ?? null;
  const expiresAt = ctx.now + EDIT_LOCK_MS;
  const fresh = found.filter(({ held, mine, isWanted }) => held === undefined && mine === undefined && !isWanted);
  const due = found.flatMap(({ mine }) => (mine?.project === project.id && isDueForRenewal(ctx, mine) ? mine : []));
  if (due.length > 0) yield* renewLocks(due, { expiresAt, session, mode: "intent", at: ctx.now });
  yield* change.hold({
    request: ctx.newId("lock"),
    ...holder.requester,
    run: holder.run,
    session,
    reason: REASON,
    // An agent that declared its intent before is not kept out by an edit.
    patterns: fresh.map(({ pattern, intents }) => ({ pattern, mode: intents.length > 0 ? "intent" : "exclusive" })),
    expiresAt,
  });
  const met = fresh.flatMap(({ pattern, intents }) =>
    intents.map((lock): MetLock => ({ pattern, mode: "intent", lock })),
  );
  yield* change.settle(holder.run === null ? [] : [holder.run]);
  yield* confirmHolder(holder, fresh.length > 0);
  yield* change.flush();
  const { agent } = holder.requester;
  yield* tellOfLocks(ctx, { project: project.id, agent, met, unanswered: true });
  const others: HeldFile[] = [];
  for (const { file, pattern, held } of found)
    if (held !== undefined) others.push(yield* heldFile(file, pattern, held));
  return others;
}

/** Ends the locks that edits without a task had made, and serves those who wait for them. Returns nothing where the origin is not known. */
export function* freeEditedFiles(ctx: EngineContext, origin: HookOrigin, places: readonly GuardedFiles[]): Tx<void> {
  const caller = yield* findHookCaller(ctx, origin);
  if (caller === undefined) return;
  for (const place of places) {
    const named = yield* projectOf(ctx, place);
    const project = named && (yield* lockProject(named.id));
    if (project === undefined) continue;
    const change = new LockChange(ctx, project.id);
    const found = yield* locksOn(ctx, { origin, caller, place, project });
    const own = found.flatMap(({ pattern, mine }) =>
      mine?.project === project.id &&
      mine.task === null &&
      mine.reason === REASON &&
      patternOf(mine).key === pattern.key
        ? mine
        : [],
    );
    yield* change.release(own, "released");
    yield* change.serve();
    yield* change.settle();
    yield* change.flush();
  }
}
