import { iso } from "../../base/time.js";
import { findTaskAndSpec, runningTasksOf, type Task } from "../../store/tasks/tasks.js";
import { untaskedLocksOfAgent } from "../../store/locks/locks.js";
import { readyTasksOf } from "../../store/tasks/ready-counts.js";
import { findRun } from "../../store/runs/runs.js";
import { together, type Tx } from "../../store/tx.js";
import { type Brief, briefOf } from "../claims/brief.js";
import type { EngineContext, Workplace } from "../context.js";
import { isStale } from "../locks/conflicts.js";
import { grouped } from "../../base/lists/groups.js";
import { listLocks } from "../../store/locks/lists.js";
import { workAtHand } from "../../store/system/stats.js";
import { locksHeldBy } from "../locks/task-locks.js";
import { findProject } from "../projects/projects.js";
import { findHookCaller } from "./hook-caller.js";
import { type HookOrigin, mayBeOwn } from "./hook-origin.js";

const SHOWN_MAX = 10;

/** A task that the caller of a hook holds. */
export interface TaskAtHand extends Pick<Task, "id" | "key" | "title" | "agent"> {
  /** Undefined where the caller is known by a conversation alone, whose id any process can write. */
  readonly token: number | undefined;
  readonly files: readonly string[];
}

export interface SessionNotes {
  readonly tasks: readonly TaskAtHand[];
  /** Files that are locked without a task. */
  readonly files: readonly { readonly path: string; readonly until: string | undefined }[];
  readonly project: string | undefined;
  /** Tasks of the project that can be claimed, as far as they are counted. */
  readonly ready: number;
  /** Of runs in which the caller has worked. */
  readonly readyOfOwnRuns: number;
}

/** Returns what a hook's caller holds, and what waits at its place. A query. */
export function* sessionNotes(ctx: EngineContext, origin: HookOrigin, workplace: Workplace): Tx<SessionNotes> {
  const caller = yield* findHookCaller(ctx, origin);
  const tasks: TaskAtHand[] = [];
  const files: { path: string; until: string | undefined }[] = [];
  for (const agent of (caller?.agents ?? []).slice(0, SHOWN_MAX)) {
    for (const { id, key, title, token } of yield* runningTasksOf(agent, SHOWN_MAX)) {
      const locks = yield* locksHeldBy(id);
      const shown = { id, key, title, agent, files: locks.map(({ path }) => path) };
      tasks.push({ ...shown, token: caller?.by === "conversation" ? undefined : token });
    }
    const locks = (yield* untaskedLocksOfAgent(ctx.now, agent)).filter(
      (lock) => lock.state === "held" && !isStale(lock, ctx.now),
    );
    for (const { path, expiresAt } of locks.slice(0, SHOWN_MAX))
      files.push({ path, until: expiresAt === null ? undefined : iso(expiresAt) });
  }
  const project = yield* findProject({ ...ctx, caller: { ...ctx.caller, workplace } });
  const counts = project && (yield* readyTasksOf(project.id, caller?.agents[0] ?? ""));
  return { tasks, files, project: project?.name, ready: counts?.ready ?? 0, readyOfOwnRuns: counts?.ofOwnRuns ?? 0 };
}

/** An agent that holds something of a project. */
export interface OtherAgent {
  readonly agent: string;
  /** Keys of the tasks it holds. */
  readonly tasks: readonly string[];
  /** Paths that it has locked. */
  readonly files: readonly string[];
}

const HOLDINGS_READ_MAX = 200;

/** Returns the agents beside a hook's caller that hold tasks or files of the project at its place. A query. */
export function* othersAtWork(ctx: EngineContext, origin: HookOrigin, workplace: Workplace): Tx<OtherAgent[]> {
  const project = yield* findProject({ ...ctx, caller: { ...ctx.caller, workplace } });
  if (project === undefined) return [];
  const caller = yield* findHookCaller(ctx, origin);
  const locks = yield* listLocks(ctx.now, { project: project.id, limit: HOLDINGS_READ_MAX });
  const files = grouped(
    locks.filter((lock) => lock.state === "held" && !isStale(lock, ctx.now)),
    ({ agent }) => agent,
  );
  const tasks = grouped(yield* workAtHand(project.id, HOLDINGS_READ_MAX), ({ agent }) => agent);
  const others: OtherAgent[] = [];
  for (const agent of new Set([...files.keys(), ...tasks.keys()])) {
    const held = files.get(agent) ?? [];
    const session = held[0]?.session ?? null;
    if (yield* mayBeOwn(ctx, { origin, caller }, { agent, session })) continue;
    const keys = (tasks.get(agent) ?? []).map(({ key }) => key);
    others.push({ agent, tasks: keys, files: [...new Set(held.map(({ path }) => path))] });
  }
  return others;
}

/** Returns the brief of a task at hand, as a claim that resumes it would. Undefined where it is held no more, or not certainly. A query. */
export function* heldBrief(ctx: EngineContext, { id, token }: TaskAtHand): Tx<Brief | undefined> {
  if (token === undefined) return undefined;
  const [found, locks] = yield* together([findTaskAndSpec(id), locksHeldBy(id)]);
  if (found?.task.status !== "running" || found.task.token !== token) return undefined;
  const run = yield* findRun(found.task.run);
  return run && (yield* briefOf(ctx, found, { run, locks, resumed: true, hasMessages: found.hasMessages }));
}
