import { grouped } from "../../../base/lists/groups.js";
import { shownLine } from "../../../base/texts/shown-text.js";
import type { FailingMerge, MergeSearch } from "../../../runtime/git/failing-merges.js";
import { tasksInWorkTrees, type TaskInWorkTree } from "../../../store/conflicts/contenders.js";
import { listConflicts } from "../../../store/conflicts/conflicts.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import { requireTask } from "../../lookup.js";
import type { Project } from "../../projects/projects.js";
import { type FoundConflict, runOf, taskParty } from "../found.js";
import { PARTIES_MAX, PATHS_SHOWN_MAX } from "../lock-waits.js";

const TASKS_MAX = 200;

/** Tasks under way on this machine in work trees of a project's repository, of all its projects: worktrees may be a project each. */
function* liveTasks(ctx: EngineContext, { id, repository }: Project): Tx<TaskInWorkTree[]> {
  return yield* tasksInWorkTrees({ host: ctx.caller.host, project: id, repository, limit: TASKS_MAX });
}

/** Returns the work trees that are merged with each other. A query. */
export function* mergePlaces(ctx: EngineContext, project: Project): Tx<MergeSearch> {
  const tasks = yield* liveTasks(ctx, project);
  return { root: project.root ?? "", workTrees: [...new Set(tasks.map(({ workTree }) => workTree))] };
}

const NEWEST = 50;

/** Says with whose work that of a task does not merge, as far as an unresolved conflict tells it; undefined where none does. A query. */
export function* whyNotMerged(reference: string): Tx<string | undefined> {
  const { task } = yield* requireTask(reference);
  const found = yield* listConflicts({ project: task.project, kind: "merge", limit: NEWEST });
  const own = found.find(
    ({ status, parties }) =>
      (status === "open" || status === "escalated") && parties.some((one) => one.task === task.id),
  );
  if (own === undefined) return undefined;
  const tree = own.parties.find((one) => one.task === task.id)?.workTree;
  const others = own.parties.filter(({ workTree }) => workTree !== tree);
  const named = others
    .slice(0, OTHERS_SHOWN_MAX)
    .map(({ agent, key }) => `that of ${agent ?? "another agent"} on ${key ?? "a task"}`);
  const paths = (others[0]?.paths ?? []).join(", ");
  return `Your work on ${task.key} and ${named.join(", ")} did not merge when they were last looked at: ${paths}. Rebase on it or merge it before either is used (conflict ${own.id}; detect_conflicts looks again).`;
}

const OTHERS_SHOWN_MAX = 3;

/** A project, or one run of it. */
export interface MergeScope {
  readonly project: Project;
  readonly run: string | undefined;
}

/** Finds tasks whose work trees do not merge, one conflict for each two work trees. A query. */
export function* mergeConflicts(
  ctx: EngineContext,
  { project, run }: MergeScope,
  merges: readonly FailingMerge[],
): Tx<FoundConflict[]> {
  if (merges.length === 0) return [];
  const byTree = grouped(yield* liveTasks(ctx, project), ({ workTree }) => workTree);
  return merges.flatMap(({ trees, files }) => {
    const sides = trees.map(({ workTree, commit }) => ({ workTree, commit, tasks: byTree.get(workTree) ?? [] }));
    const tasks = sides.flatMap((side) => side.tasks);
    const isOwn = tasks.some((task) => (run === undefined ? task.project === project.id : task.run === run));
    if (!isOwn || sides.some((side) => side.tasks.length === 0)) return [];
    const paths = files.map(shownLine).slice(0, PATHS_SHOWN_MAX);
    const more = files.length > paths.length ? ` and ${files.length - paths.length} more files` : "";
    const [ones, others] = sides.map((side) => side.tasks.map(({ key }) => key).join(", "));
    const parties = sides.flatMap((side) =>
      side.tasks.map((task) =>
        taskParty(task, { role: "merges", paths, workTree: side.workTree, host: ctx.caller.host, commit: side.commit }),
      ),
    );
    return {
      kind: "merge" as const,
      names: tasks.map(({ id }) => id).toSorted(),
      run: runOf(tasks),
      parties: parties.slice(0, PARTIES_MAX),
      detail: `${ones} and ${others} do not merge as they are on disk: ${paths.join(", ")}${more}. The later one rebases on the other before it ends`,
    };
  });
}
