import { automaticReplays, insertDeadLetters } from "../../store/dead-letters/dead-letters.js";
import { findProjectByReference, type Project } from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EffectContext, EffectResult, RunOutcome, FailedTask } from "../effect.js";

// An automatic replay more than a day later would surprise everyone who remembers the failure.
const DELAY_MS_MAX = 86_400_000;

/** Records the tasks that failed for good as dead letters, each with the time of its automatic replay, if it has any. */
export function* recordDeadLetters(ctx: EffectContext, { run, failures }: RunOutcome): Tx<EffectResult> {
  if (failures.length === 0) return {};
  const due = yield* dueTimes(ctx, run.project, failures);
  yield* insertDeadLetters(
    failures.map(({ task, error }) => ({
      task,
      error,
      id: ctx.newId("dead"),
      run: run.id,
      project: run.project,
      createdAt: ctx.now,
      dueAt: due.get(task) ?? null,
    })),
  );
  return {};
}

function* dueTimes(
  ctx: EffectContext,
  project: string,
  failures: readonly FailedTask[],
): Tx<ReadonlyMap<string, number>> {
  const tasks = failures.flatMap(({ task, replayable }) => (replayable ? [task] : []));
  if (tasks.length === 0) return new Map();
  const most = replaysOf(ctx, yield* findProjectByReference(project));
  if (most === 0) return new Map();
  const before = yield* automaticReplays(tasks);
  return new Map(
    tasks
      .map((task) => [task, before.get(task) ?? 0] as const)
      .filter(([, count]) => count < most)
      .map(([task, count]) => [
        task,
        ctx.now + Math.min(DELAY_MS_MAX, ctx.settings.dead_letter_replay_delay_ms * 2 ** Math.min(count, 30)),
      ]),
  );
}

/** How many automatic replays a task of a project gets. */
export function replaysOf({ settings }: Pick<EffectContext, "settings">, project: Project | undefined): number {
  return project?.config.dead_letter_replays ?? settings.dead_letter_replays;
}
