import { grouped } from "../../base/lists/groups.js";
import { earliest, iso } from "../../base/time.js";
import { tasksWithDeadlines } from "../../store/conflicts/contenders.js";
import { NO_DEADLINE, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { liveAgents } from "../agents/agents.js";
import type { EngineContext } from "../context.js";
import { type FoundConflict, runOf, taskParty } from "./found.js";
import { PARTIES_MAX } from "./lock-waits.js";
import type { OverlappingPair } from "./scopes.js";

const TASKS_MAX = 500;

/** Tasks that cannot run at the same time, in the order in which they would be taken. */
interface Line {
  readonly name: string;
  readonly tasks: readonly Task[];
}

/**
 * Tasks that go one after the other, because the same agent has them or they write the same files, and of which one ends after its
 * deadline in the order in which they would be taken.
 */
export function* deadlineClashes(
  ctx: EngineContext,
  where: { readonly project: string; readonly run?: string | undefined },
  pairs: readonly OverlappingPair[],
): Tx<FoundConflict[]> {
  const dated = yield* tasksWithDeadlines({ ...where, limit: TASKS_MAX });
  if (dated.length < 2) return [];
  const byId = new Map(dated.map((task) => [task.id, task]));
  const several = new Set((yield* liveAgents(ctx)).flatMap((one) => (one.maxConcurrentTasks > 1 ? one.name : [])));
  const ofAgents = grouped(dated, ({ agent, reservedFor }) => agent ?? reservedFor ?? "");
  const lines: Line[] = [...ofAgents]
    .filter(([name]) => name !== "" && !several.has(name))
    .map(([name, tasks]) => ({ name, tasks }));
  for (const { tasks, paths } of pairs) {
    const found = tasks.flatMap(({ id }) => byId.get(id) ?? []);
    if (found.length === 2) lines.push({ name: paths[0] ?? "", tasks: found });
  }
  return lines.flatMap((line) => clashOf(ctx.now, line) ?? []);
}

/** When a task is to have ended, for what comes after it to end in time too; null without a deadline. */
export function deadlineOf({ closeBy, latestStart, estimateMs }: Task): number | null {
  const ofRun = latestStart < NO_DEADLINE ? latestStart + estimateMs : null;
  return earliest(closeBy, ofRun) ?? null;
}

function clashOf(now: number, { name, tasks }: Line): FoundConflict | undefined {
  if (tasks.length < 2) return undefined;
  const late = lateIn(now, inOrder(tasks));
  if (late.length === 0) return undefined;
  const shown = tasks.slice(0, PARTIES_MAX);
  const [first] = late;
  const deadline = first ? deadlineOf(first) : null;
  return {
    kind: "deadline",
    names: shown.map(({ id }) => id).toSorted(),
    run: runOf(shown),
    parties: shown.map((task) => taskParty(task, { role: "runs_late" })),
    detail: `${shown.map(({ key }) => key).join(", ")} go one after the other (${name}), and ${first?.key ?? ""} would end after its deadline${deadline === null ? "" : ` ${iso(deadline)}`}`,
  };
}

/** Tasks under way first, then as they stand. */
function inOrder(tasks: readonly Task[]): Task[] {
  return tasks.toSorted((a, b) => Number(b.status === "running") - Number(a.status === "running"));
}

/** The tasks that end after their deadlines, where each begins when the one before it has ended. */
function lateIn(now: number, tasks: readonly Task[]): Task[] {
  let at = now;
  return tasks.filter((task) => {
    at += remainingMs(now, task);
    const deadline = deadlineOf(task);
    return deadline !== null && at > deadline;
  });
}

/** The expected time until a task ends: what takes longer than was expected is expected to take a tenth more. */
export function remainingMs(now: number, { estimateMs, startedAt, status }: Task): number {
  if (status !== "running" || startedAt === null) return estimateMs;
  return Math.max(Math.round(estimateMs / 10), estimateMs - (now - startedAt));
}
