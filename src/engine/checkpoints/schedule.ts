import type { EngineContext } from "../context.js";
import type { Engine } from "../engine.js";
import type { RunStatus } from "../../base/statuses.js";
import * as store from "../../store/checkpoints/checkpoints.js";
import { takeCheckpoint } from "./checkpoints.js";
import type { CheckpointOrder } from "../snapshots/save.js";
import { SERVER } from "../context.js";
import { BatonError } from "../../base/errors.js";

const AT_ONCE_MAX = 5;
const READ_AT_ONCE = 1_000;
const UNDER_WAY: readonly RunStatus[] = ["running", "paused", "planning"];

/** Takes the checkpoints that large runs wait for. One read where none does. */
export async function takeRequestedCheckpoints(engine: Engine): Promise<number> {
  let taken = 0;
  for (const requested of await engine.read(() => store.requestedCheckpoints(AT_ONCE_MAX))) {
    if (!(await engine.transact(() => store.claimRequested(requested)))) continue;
    taken += await takeUnlessOver(engine, requested.run, { ...requested, by: SERVER });
  }
  return taken;
}

/**
 * Takes the checkpoints whose time has come, a few at a time: of runs that have changed since their last one, by whichever process comes
 * first. Reads each run under way, and writes nothing for it while it changes.
 */
export async function takeDueCheckpoints(engine: Engine): Promise<number> {
  let taken = 0;
  for (const status of UNDER_WAY) {
    for (let after: string | undefined = ""; after !== undefined;) {
      const from: string = after;
      const { due, next } = await engine.read((ctx) => runsDue(ctx, status, from));
      for (const scheduled of due) {
        if (taken >= AT_ONCE_MAX) return taken;
        if (!(await engine.transact((ctx) => store.claimScheduled(scheduled, ctx.now)))) continue;
        taken += await takeUnlessOver(engine, scheduled.run, { kind: "interval", label: null, by: SERVER });
      }
      after = next;
    }
  }
  return taken;
}

function* runsDue(ctx: EngineContext, status: RunStatus, after: string) {
  const every = ctx.settings.checkpoint_interval_ms;
  if (every === 0) return { due: [], next: undefined };
  const scheduled = yield* store.scheduledRuns(status, after, READ_AT_ONCE);
  return {
    due: scheduled.filter(({ changed, since }) => changed && ctx.now - since >= every),
    next: scheduled.length === READ_AT_ONCE ? scheduled.at(-1)?.run : undefined,
  };
}

/** The run may end or be removed between the query and the snapshot: then no checkpoint is taken. */
async function takeUnlessOver(engine: Engine, run: string, order: CheckpointOrder): Promise<number> {
  try {
    await takeCheckpoint(engine, run, order);
    return 1;
  } catch (error) {
    if (error instanceof BatonError && (error.code === "not_found" || error.code === "invalid_transition")) return 0;
    throw error;
  }
}
