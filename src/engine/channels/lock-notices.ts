import { LOCK_MODES, type LockMode } from "../../base/statuses.js";
import { isObject } from "../../base/json.js";
import { grouped } from "../../base/lists/groups.js";
import { shownLine } from "../../base/texts/shown-text.js";
import { unreadFrom } from "../../store/channels/messages.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { MetLock } from "../locks/conflicts.js";
import { addressOf } from "./addresses.js";
import { beginThread } from "./messages.js";

/** Locks that an agent has just got, with those of others that they meet without waiting for them. */
export interface MetLocks {
  /** Id. */
  readonly project: string;
  readonly agent: string;
  readonly met: readonly MetLock[];
  /** Whether the agent's own call has no answer that could name them. */
  readonly unanswered?: boolean;
}

const TOLD_MAX = 20;
const PATHS_SHOWN_MAX = 20;

/**
 * Tells the agents whose locks are met, by a message each, and the agent itself where its call does not. At most 20 are told, and none of
 * a lock that an unread notice names already.
 */
export function* tellOfLocks(ctx: EngineContext, { project, agent, met, unanswered }: MetLocks): Tx<void> {
  const holders = [...grouped(met, ({ lock }) => lock.agent)].slice(0, TOLD_MAX);
  for (const [holder, theirs] of holders) {
    yield* tell(ctx, { project, from: agent, to: holder, met: theirs });
    const back = theirs.map((one) => ({ ...one, mode: one.lock.mode }));
    if (unanswered === true) yield* tell(ctx, { project, from: holder, to: agent, met: back });
  }
}

interface Notice {
  readonly project: string;
  readonly from: string;
  readonly to: string;
  /** With the modes of the locks of `from`. */
  readonly met: readonly MetLock[];
}

const DOES: Readonly<Record<LockMode, string>> = {
  exclusive: "has locked",
  shared: "reads, under a lock,",
  intent: "is about to edit",
};

function* tell(ctx: EngineContext, { project, from, to, met }: Notice): Tx<void> {
  const address = addressOf({ kind: "agent", name: to }, project);
  const unread = yield* unreadFrom({ agent: to, address, sender: from, subject: SUBJECT });
  const known = new Set(unread.flatMap(({ data }) => locksIn(data)));
  // The strongest first.
  const groups = LOCK_MODES.flatMap((mode) => {
    const paths = [...new Set(met.filter((one) => one.mode === mode).map(({ pattern }) => pattern.path))];
    const news = paths.filter((path) => !known.has(keyOf({ mode, path })));
    return news.length === 0 ? [] : [{ mode, paths: news, shown: news.slice(0, PATHS_SHOWN_MAX) }];
  });
  if (groups.length === 0) return;
  const does = groups.map(({ mode, paths, shown }) => {
    const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more` : "";
    return `${DOES[mode]} ${shown.map(shownLine).join(", ")}${more}`;
  });
  yield* beginThread(ctx, {
    project,
    task: null,
    run: null,
    address,
    sender: from,
    type: "inform",
    subject: SUBJECT,
    body: `${from} ${does.join(", and ")}. You hold a lock there too, and neither waits: read these files again before you write them, and commit small.`,
    data: { locks: groups.flatMap(({ mode, shown }) => shown.map((path) => ({ mode, path }))) },
  });
}

const SUBJECT = "Files that you share";

function keyOf({ mode, path }: Readonly<Record<string, unknown>>): string {
  return `${String(mode)} ${String(path)}`;
}

/** Returns the locks that a notice names. Its data is what any sender may have written. */
function locksIn(data: unknown): string[] {
  const locks = isObject(data) ? data["locks"] : undefined;
  return Array.isArray(locks) ? locks.filter(isObject).map(keyOf) : [];
}
