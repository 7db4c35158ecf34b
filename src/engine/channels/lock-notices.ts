import type { LockMode } from "../../base/statuses.js";
import { grouped } from "../../base/lists/groups.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Obstacle } from "../locks/conflicts.js";
import { addressOf } from "./addresses.js";
import { beginThread } from "./messages.js";

/** Locks that an agent has just got, with those of others that they meet without waiting for them. */
export interface MetLocks {
  /** Id. */
  readonly project: string;
  readonly agent: string;
  readonly mode: LockMode;
  readonly met: readonly Obstacle[];
  /** Whether the agent's own call has no answer that could name them. */
  readonly unanswered?: boolean;
}

const TOLD_MAX = 20;
const PATHS_SHOWN_MAX = 20;

/** Tells the agents whose locks are met, by a message each, and the agent itself where its call does not. At most 20 are told. */
export function* tellOfLocks(ctx: EngineContext, { project, agent, mode, met, unanswered }: MetLocks): Tx<void> {
  const holders = [...grouped(met, ({ lock }) => lock.agent)].slice(0, TOLD_MAX);
  for (const [holder, theirs] of holders) {
    yield* tell(ctx, { project, from: agent, to: holder, mode, theirs });
    const [first] = theirs;
    if (unanswered === true && first)
      yield* tell(ctx, { project, from: holder, to: agent, mode: first.lock.mode, theirs });
  }
}

interface Notice {
  readonly project: string;
  readonly from: string;
  readonly to: string;
  readonly mode: LockMode;
  readonly theirs: readonly Obstacle[];
}

function* tell(ctx: EngineContext, { project, from, to, mode, theirs }: Notice): Tx<void> {
  const paths = [...new Set(theirs.map(({ pattern }) => pattern.path))];
  const shown = paths.slice(0, PATHS_SHOWN_MAX);
  const more = paths.length > shown.length ? ` and ${paths.length - shown.length} more` : "";
  const files = `${shown.map(shownLine).join(", ")}${more}`;
  const does = mode === "intent" ? "is about to edit" : mode === "shared" ? "reads, under a lock," : "has locked";
  yield* beginThread(ctx, {
    project,
    task: null,
    run: null,
    address: addressOf({ kind: "agent", name: to }, project),
    sender: from,
    type: "inform",
    subject: "Files that you share",
    body: `${from} ${does} ${files}. You hold a lock there too, and neither waits: read these files again before you write them, and commit small.`,
    data: { mode, paths: shown },
  });
}
