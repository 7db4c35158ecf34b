import { listConflicts } from "../../store/conflicts/conflicts.js";
import { findTasks } from "../../store/tasks/lists.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { isAhead, type Reprioritized } from "../scheduling/levels.js";
import { PRIORITIES } from "../scheduling/order.js";
import { FOUND_MAX } from "./found.js";
import { type Contender, inOrder } from "./strategies.js";

interface Ordering {
  readonly first: Task;
  readonly others: readonly Task[];
  readonly changes: readonly Reprioritized[];
  readonly contenderOf: (task: Task) => Contender;
}

/**
 * Returns why changes of priority do not put a task before others: it would still come later, or what was resolved before would be undone.
 * A query.
 */
export function* whyNotOrdered(
  ctx: EngineContext,
  { first, others, changes, contenderOf }: Ordering,
): Tx<string | undefined> {
  const levels = new Map(changes.map(({ task, priority }) => [task.id, PRIORITIES[priority]]));
  const after = (task: Task): Task => ({ ...task, priority: levels.get(task.id) ?? task.priority });
  const later = others.find((other) => !isAhead(ctx, after(first), after(other)));
  if (later) return `no priority lets ${first.key} go before ${later.key}, which has waited too long`;
  const query = { project: first.project, kind: "overlapping_scopes", status: "resolved", limit: FOUND_MAX } as const;
  const resolved = (yield* listConflicts(query)).filter(({ parties }) =>
    parties.some(({ task }) => task !== undefined && levels.has(task)),
  );
  const tasks = yield* findTasks([
    ...new Set(resolved.flatMap(({ parties }) => parties.flatMap(({ task }) => task ?? []))),
  ]);
  const open = new Map(
    tasks.filter(({ endedAt, status }) => endedAt === null && status !== "running").map((task) => [task.id, task]),
  );
  const undone = resolved.find(({ strategy, parties }) => {
    if (strategy === null || strategy === "adaptive") return false;
    const pair = parties.flatMap(({ task }) => open.get(task ?? "") ?? []);
    const [one, other] = inOrder(strategy, pair.map(contenderOf)).flatMap(({ id }) => open.get(id) ?? []);
    return one && other && isAhead(ctx, one, other) && !isAhead(ctx, after(one), after(other));
  });
  return undone && `the priorities for that would undo ${undone.id}: ${undone.decision ?? ""}`;
}
