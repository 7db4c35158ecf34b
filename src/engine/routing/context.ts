import { workTreesOf } from "../../store/presence/sessions.js";
import { lastAgents } from "../../store/tasks/attempts.js";
import { dependenciesOf } from "../../store/tasks/transitions.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { LockTable, nearbyLocks, unlessTooMuch } from "../locks/conflicts.js";
import { patternsOfScope } from "../paths/file-sets.js";

/** An agent as the context of a task goes by it. */
interface Near {
  readonly name: string;
  readonly session: string | null;
}

/**
 * How much of a task's context each agent has, a share from 0 to 1 of each kind that there is: of what it depends on, the part that the agent did, and
 * the part that was done in the work tree in which it works; and of its files, the part that it has locked.
 */
export function* contextsFor(
  ctx: EngineContext,
  task: Task,
  agents: readonly Near[],
): Tx<ReadonlyMap<string, readonly number[]>> {
  const needed = (yield* dependenciesOf(task.id)).map(({ id }) => id);
  const done = yield* lastAgents(needed);
  const trees = yield* workTreesOf([...done, ...agents].flatMap(({ session }) => session ?? []));
  const treeOf = ({ session }: Pick<Near, "session">) => (session === null ? undefined : trees.get(session));
  const inTrees = done.filter((one) => treeOf(one) !== undefined);
  const owners = yield* ownersOfFiles(ctx, task);
  return new Map(
    agents.map((agent) => [
      agent.name,
      [
        ...shareOf(needed, (id) => done.some((one) => one.task === id && one.agent === agent.name)),
        ...shareOf(inTrees, (one) => treeOf(one) === treeOf(agent)),
        ...shareOf(owners, (some) => some.has(agent.name)),
      ],
    ]),
  );
}

/** The share of a list for which something holds; none of an empty one. */
function shareOf<T>(list: readonly T[], holds: (one: T) => boolean): number[] {
  return list.length === 0 ? [] : [list.filter(holds).length / list.length];
}

/** For each path that the task locks, the agents that hold it, or a part of it. */
function* ownersOfFiles(ctx: EngineContext, { project, scope }: Task): Tx<ReadonlySet<string>[]> {
  if (scope === "") return [];
  const patterns = (yield* patternsOfScope(scope)).map(({ pattern }) => pattern);
  const near = yield* nearbyLocks(ctx.now, { id: project }, patterns);
  if (!near.whole) return [];
  const table = new LockTable(ctx.now, near.locks);
  const held = unlessTooMuch(() => patterns.map((pattern) => table.overlapping(pattern)));
  return (held ?? []).map(
    (locks) => new Set(locks.flatMap(({ state, agent, mode }) => (state === "held" && mode !== "intent" ? agent : []))),
  );
}
