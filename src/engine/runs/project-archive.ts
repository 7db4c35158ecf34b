import { lockRuns } from "../../store/lock-order.js";
import { activeRunsOf, findRuns, findStandingRun } from "../../store/runs/runs.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { BatonError } from "../../base/errors.js";
import { lockedProject, type Project, restoreProject, setStatus } from "../projects/projects.js";
import { controlRun } from "./control.js";

const REASON = "project archived";
const RUNS_NAMED_MAX = 5;

/**
 * Archives a project: it takes no more work, and its name and root stay its own. Refuses while a run is active, unless
 * `force`, which cancels those runs as control_run does. Archiving twice changes nothing.
 */
export function* archiveProject(
  ctx: EngineContext,
  reference: string,
  force: boolean,
): Tx<{ project: Project; cancelled: string[] }> {
  const project = yield* lockedProject(ctx, reference);
  if (project.status === "archived") return { project, cancelled: [] };
  const active = yield* activeRunsOf(project.id);
  const standing = yield* findStandingRun(project.id);
  const cancelled = yield* endRuns(ctx, { project, active, standing, force });
  return { project: yield* setStatus(ctx, project, "archived"), cancelled };
}

interface Ending {
  readonly project: Project;
  readonly active: readonly string[];
  readonly standing: string | undefined;
  readonly force: boolean;
}

function* endRuns(ctx: EngineContext, { project, active, standing, force }: Ending): Tx<string[]> {
  if (active.length > 0 && !force) throw stillActive(project, active);
  // All at once and in their order, before the first of them is changed.
  yield* lockRuns([...active, ...(standing === undefined ? [] : [standing])]);
  const agent = ctx.caller.agent;
  const cancelled: string[] = [];
  for (const run of yield* findRuns(active)) {
    if (run.status === "cancelling") continue;
    yield* controlRun(ctx, { run: run.id, action: "cancel", agent, reason: REASON });
    cancelled.push(run.id);
  }
  // The ad-hoc tasks wait for the project to come back.
  const [open] = standing === undefined ? [] : yield* findRuns([standing]);
  if (open?.status === "running") yield* controlRun(ctx, { run: open.id, action: "pause", agent, reason: REASON });
  return cancelled;
}

/** Brings a project back, and with it the ad-hoc tasks that archiving put on hold. */
export function* reviveProject(ctx: EngineContext, reference: string): Tx<Project> {
  const project = yield* restoreProject(ctx, reference);
  const standing = yield* findStandingRun(project.id);
  const [run] = standing === undefined ? [] : yield* findRuns([standing]);
  if (run?.status === "paused" && run.reason === REASON) {
    yield* controlRun(ctx, { run: run.id, action: "resume", agent: ctx.caller.agent });
  }
  return project;
}

function stillActive(project: Project, active: readonly string[]): BatonError {
  const named = active.slice(0, RUNS_NAMED_MAX).join(", ");
  const more = active.length > RUNS_NAMED_MAX ? ` and ${active.length - RUNS_NAMED_MAX} more` : "";
  const message = `The project "${project.name}" has active runs: ${named}${more}. Let them end, cancel them, or archive with force, which cancels them.`;
  return new BatonError("invalid_transition", message, {
    details: { project: project.id, active_runs: active.slice(0, 100), count: active.length },
    next: [{ tool: "control_run", arguments: { run: active[0] ?? "", action: "cancel" } }],
  });
}
