import type { RunStatus } from "../../base/statuses.js";
import * as store from "../../store/checkpoints/checkpoints.js";
import { type CheckpointHost, takeCheckpoint } from "./checkpoints.js";
import type { Order } from "../snapshots/keep.js";
import { SERVER } from "../context.js";
import { BatonError } from "../../base/errors.js";

const AT_ONCE_MAX = 5;
const LOOKED_AT_ONCE = 1_000;
const UNDER_WAY: readonly RunStatus[] = ["running", "paused", "planning"];

/** Takes the checkpoints that large runs wait for. One read where none does. */
export async function takeWantedCheckpoints(host: CheckpointHost): Promise<number> {
  let taken = 0;
  for (const wanted of await host.read(() => store.wantedCheckpoints(AT_ONCE_MAX))) {
    if (!(await host.transact(() => store.takeWanted(wanted)))) continue;
    taken += await takeUnlessOver(host, wanted.run, { kind: "gate", label: wanted.label, by: SERVER });
  }
  return taken;
}

/**
 * Takes the checkpoints whose time has come, a few at a time: of runs that have changed since their last one, by whichever process comes
 * first. Looks at each run under way, and writes nothing for it while it changes.
 */
export async function takeDueCheckpoints(host: CheckpointHost): Promise<number> {
  let taken = 0;
  for (const status of UNDER_WAY) {
    for (let after: string | undefined = ""; after !== undefined;) {
      const from: string = after;
      const { due, next } = await host.read((ctx) => runsDue(ctx, status, from));
      for (const scheduled of due) {
        if (taken >= AT_ONCE_MAX) return taken;
        if (!(await host.transact((ctx) => store.takeSchedule(scheduled, ctx.now)))) continue;
        taken += await takeUnlessOver(host, scheduled.run, { kind: "interval", label: null, by: SERVER });
      }
      after = next;
    }
  }
  return taken;
}

type Context = Parameters<Parameters<CheckpointHost["read"]>[0]>[0];

function* runsDue(ctx: Context, status: RunStatus, after: string) {
  const every = ctx.settings.checkpoint_interval_ms;
  if (every === 0) return { due: [], next: undefined };
  const looked = yield* store.scheduledRuns(status, after, LOOKED_AT_ONCE);
  return {
    due: looked.filter(({ changed, since }) => changed && ctx.now - since >= every),
    next: looked.length === LOOKED_AT_ONCE ? looked.at(-1)?.run : undefined,
  };
}

/** Between the look and the copy the run may have ended its way, or be gone: then there is nothing to keep. */
async function takeUnlessOver(host: CheckpointHost, run: string, order: Order): Promise<number> {
  try {
    await takeCheckpoint(host, run, order);
    return 1;
  } catch (error) {
    if (error instanceof BatonError && (error.code === "not_found" || error.code === "invalid_transition")) return 0;
    throw error;
  }
}
