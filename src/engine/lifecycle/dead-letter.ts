import type { AttemptError } from "../../store/tasks/attempts.js";
import { automaticReplays, insertDeadLetters } from "../../store/dead-letters/dead-letters.js";
import { findProjectByReference, type Project } from "../../store/projects/projects.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A task that could not be done. */
export interface Burial {
  readonly task: string;
  readonly error: AttemptError;
  /** Whether trying again may help: not where somebody has said, or the type of the error says, that it cannot. */
  readonly replayable: boolean;
}

// Longer than a day, and nobody remembers what it was about.
const DELAY_MS_MAX = 86_400_000;

/** Writes what could not be done as dead letters, each with the time at which it is tried again by itself, if at all. */
export function* bury(ctx: EngineContext, run: { id: string; project: string }, buried: readonly Burial[]): Tx<void> {
  if (buried.length === 0) return;
  const due = yield* dueTimes(ctx, run.project, buried);
  yield* insertDeadLetters(
    buried.map(({ task, error }) => ({
      task,
      error,
      id: ctx.newId("dead"),
      run: run.id,
      project: run.project,
      createdAt: ctx.now,
      dueAt: due.get(task) ?? null,
    })),
  );
}

function* dueTimes(ctx: EngineContext, project: string, buried: readonly Burial[]): Tx<ReadonlyMap<string, number>> {
  const tasks = buried.flatMap(({ task, replayable }) => (replayable ? [task] : []));
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

/** How many times a task of a project is tried again by itself after it has become a dead letter. */
export function replaysOf(ctx: EngineContext, project: Project | undefined): number {
  return project?.config.dead_letter_replays ?? ctx.settings.dead_letter_replays;
}
