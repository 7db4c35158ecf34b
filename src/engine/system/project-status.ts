import { silentSince } from "../../store/agents/agents.js";
import { losingTasks } from "../../store/tasks/lists.js";
import { sumCounters, findCounters } from "../../store/runs/counters.js";
import { projectStats, lockStats, type ProjectStats, type WorkAtHand, workAtHand } from "../../store/system/stats.js";
import { activeRunsOf, countRunsByStatus, findRuns } from "../../store/runs/runs.js";
import type { TxResult } from "../../store/tx.js";
import { findBudgets } from "../../store/cost/budgets.js";
import { recordedCost } from "../../store/usage/sums.js";
import { dollarsOf } from "../../base/money.js";
import { budgetView } from "../cost/budget-state.js";
import type { EngineContext } from "../context.js";
import { isoOrNull } from "../../base/time.js";
import { commandsWaiting } from "../policy/command-runners.js";
import { milestoneLines } from "../milestones/milestones.js";
import type { Project, ProjectLine } from "../projects/projects.js";
import { projectView } from "../projects/views.js";
import { retryingIn, retryingLine } from "../tasks/outlook.js";
import { runLine } from "../runs/views.js";
import { silenceView } from "../agents/presence.js";

const RUNS_SHOWN_MAX = 50;
const WORK_SHOWN_MAX = 200;
const LOSING_SHOWN_MAX = 20;
const RETRYING_SHOWN_MAX = 20;

/** A project as it stands, counted from what is recorded. */
type ProjectOverview = TxResult<ReturnType<typeof projectStatus>>;

export function* projectStatus(ctx: EngineContext, project: Project) {
  const active = (yield* activeRunsOf(project.id)).slice(-RUNS_SHOWN_MAX);
  const lines: ReturnType<typeof runLine>[] = [];
  for (const run of (yield* findRuns(active)).toReversed()) lines.push(runLine(run, yield* findCounters(run.id)));
  const figures = yield* projectStats([project.id]);
  const work = yield* workAtHand(project.id, WORK_SHOWN_MAX);
  return {
    runs: yield* countRunsByStatus(project.id),
    active_runs: lines,
    // Of its active runs together, in percent with one decimal; null when none is active.
    progress: progressOfProject(figures.get(project.id)),
    // Open tasks by status, over its active runs and its ad-hoc tasks.
    tasks: yield* sumCounters(project.id),
    at_work: work,
    // Since when agents that hold something have made no call, of those that are silent.
    silent: yield* silentSince(work.map(({ agent }) => agent)),
    // Tasks that have lost leases in a row, and how many make a dead letter.
    losing: (yield* losingTasks(project.id, LOSING_SHOWN_MAX)).map((task) => ({
      ...task,
      losses_max: ctx.settings.max_losses,
    })),
    // Runs with ready command steps that no running server would start.
    commands_waiting: yield* commandsWaiting(ctx, project.id),
    retrying: (yield* retryingIn({ project: project.id }, RETRYING_SHOWN_MAX)).map(retryingLine),
    locks: yield* lockStats(project.id),
    milestones: yield* milestoneLines(ctx, project.id),
    // Reported in it, in US dollars, and the budget of the project, where it has one.
    cost: dollarsOf(yield* recordedCost({ project: project.id })),
    budget: (yield* findBudgets([project.id])).map(budgetView)[0],
  };
}

/** As it stands in answers and resources, with the work at hand by agent. */
export function projectStatusView(
  project: Project,
  {
    at_work: work,
    silent,
    losing,
    commands_waiting: commands,
    active_runs: active,
    milestones,
    budget,
    ...facts
  }: ProjectOverview,
) {
  const names = [...new Set(work.map(({ agent }) => agent))];
  const agents = names.map((agent) => ({
    agent,
    ...silenceView(silent.get(agent)),
    tasks: work.filter((one) => one.agent === agent).map(workLine),
  }));
  const lists = {
    agents,
    losing: [...losing],
    commands_waiting: [...commands],
    milestones: [...milestones],
    ...(budget && { budget }),
  };
  return { project: projectView(project), ...facts, active_runs: [...active], ...lists };
}

function workLine({ task, key, run, title, startedAt }: WorkAtHand) {
  return { id: task, key, run, title, since: isoOrNull(startedAt) };
}

/** A project in one line, with the figures of its runs. */
export function projectLine({ project, cost, figures, milestones = NO_MILESTONES }: ProjectLine) {
  const { config: _, ...line } = projectView(project);
  const progress = progressOfProject(figures);
  return { ...line, runs: figures?.runs ?? 0, active_runs: figures?.activeRuns ?? 0, progress, cost, milestones };
}

const NO_MILESTONES = { open: 0, completed: 0, overdue: 0 };

/** Percent with one decimal, weighted by what each task is expected to take; null when no run is active. */
function progressOfProject(figures: ProjectStats | undefined): number | null {
  if (figures === undefined || figures.activeRuns === 0) return null;
  return Math.round((figures.doneMs / Math.max(1, figures.workMs)) * 1000) / 10;
}
