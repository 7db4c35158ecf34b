import { recordMilestones } from "../../store/runs/counters.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockMilestones, lockRuns } from "../../store/lock-order.js";
import * as milestones from "../../store/milestones/milestones.js";
import { findRuns } from "../../store/runs/runs.js";
import { findTask, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { deadlineAt } from "../definitions/definition.js";
import { deadlineSchema } from "../definitions/schema.js";
import { BatonError } from "../../base/errors.js";
import { isoOrNull } from "../../base/time.js";
import { completion, progressTo } from "./progress.js";
import { hint, NAME_RULE, isName } from "../../base/names.js";
import { type Project, requireUnarchived } from "../projects/projects.js";
import { requireRun, requireTask } from "../lookup.js";
import { requireVersion } from "../workflows/workflows.js";

export type Milestone = milestones.Milestone;

/** Milestones of a project, and links of one of them. */
const MILESTONES_MAX = 500;
export const LINKS_MAX = 200;

export interface NewMilestone {
  readonly name: string;
  /** A duration from now, or an instant. */
  readonly due?: string | number | undefined;
  /** Links that it waits for: run ids, task references, names or ids of workflows, of which a run is to succeed. */
  readonly runs?: readonly string[] | undefined;
  readonly tasks?: readonly string[] | undefined;
  readonly workflows?: readonly string[] | undefined;
}

/** A milestone with what it links. */
export interface Linked {
  readonly milestone: Milestone;
  readonly links: readonly milestones.Link[];
}

/**
 * Adds a milestone, which completes itself when all that it links has ended well: a run or task has succeeded, of a workflow a run
 * that ends from now on. The same again gives the one that is there. Errors: `invalid_input`, `not_found` for what it links,
 * `conflict` for a name that stands for another.
 */
export function* addMilestone(
  ctx: EngineContext,
  project: Project,
  wanted: NewMilestone,
): Tx<Linked & { created: boolean }> {
  if (!isName(wanted.name)) {
    throw new BatonError("invalid_input", `"${wanted.name}" cannot be the name of a milestone: it needs ${NAME_RULE}.`);
  }
  const dueAt = dueOf(ctx, wanted.due);
  const links = yield* linksWanted(project, wanted);
  yield* requireUnarchived(project.id);
  const known = yield* milestones.findMilestone(project.id, wanted.name);
  if (known) return { ...(yield* sameMilestone(known, links, dueAt)), created: false };
  yield* requireCapacity(project);
  const settled = yield* lockedLinks(links);
  const done = settled.filter((link) => link.done).length;
  const milestone: Milestone = {
    id: ctx.newId("milestone"),
    project: project.id,
    name: wanted.name,
    status: "open",
    dueAt,
    links: settled.length,
    done: 0,
    note: null,
    createdAt: ctx.now,
    createdBy: ctx.caller.agent,
    completedAt: null,
    completedBy: null,
  };
  const own = settled.map((link) => ({ milestone: milestone.id, ...link }));
  yield* milestones.insertMilestone(milestone);
  yield* milestones.insertLinks(own);
  yield* recordMilestones([...new Set(settled.flatMap(({ run }) => run ?? []))]);
  const added: NewEvent = {
    type: "milestone.added",
    project: project.id,
    agent: ctx.caller.agent,
    data: { milestone: milestone.id, name: milestone.name, due_at: dueAt, links: milestone.links },
  };
  // A milestone without links is completed by a person.
  const completed = done > 0 ? yield* progressTo(ctx, milestone, done) : [];
  yield* appendEvents(ctx, [added, ...completed]);
  const made = yield* milestones.findMilestone(project.id, wanted.name);
  return { milestone: made ?? milestone, links: own, created: true };
}

function dueOf(ctx: EngineContext, due: string | number | undefined): number | null {
  if (due === undefined) return null;
  const parsed = deadlineSchema.safeParse(due);
  if (parsed.success) return deadlineAt(parsed.data, ctx.now);
  throw new BatonError("invalid_input", `due: ${parsed.error.issues[0]?.message ?? "cannot be read"}.`);
}

type WantedLink = Omit<milestones.Link, "milestone"> & {
  /** The run that a change of it would go through. */
  readonly run?: string;
};

function* linksWanted(project: Project, wanted: NewMilestone): Tx<WantedLink[]> {
  const { runs = [], tasks = [], workflows = [] } = wanted;
  const links = new Map<string, WantedLink>();
  for (const id of runs) {
    const run = yield* requireRun(id);
    requireWithin(project, run, `Run ${id}`);
    if (run.kind === "standing") throw standing(run.id);
    links.set(run.id, { kind: "run", target: run.id, label: run.name, done: false, run: run.id });
  }
  for (const reference of tasks) {
    const { task } = yield* requireTask(reference);
    requireWithin(project, task, `Task ${reference}`);
    links.set(task.id, { kind: "task", target: task.id, label: task.key, done: false, run: task.run });
  }
  for (const reference of workflows) {
    const { workflow } = yield* requireVersion(project, { workflow: reference });
    links.set(workflow.id, { kind: "workflow", target: workflow.id, label: workflow.name, done: false });
  }
  if (links.size <= LINKS_MAX) return [...links.values()];
  throw new BatonError("limit_exceeded", `A milestone links at most ${LINKS_MAX} things; these are ${links.size}.`);
}

function requireWithin(project: Project, linked: { readonly project: string }, what: string): void {
  if (linked.project === project.id) return;
  const message = `${what} is of another project than "${project.name}": a milestone links what belongs to its own.`;
  throw new BatonError("invalid_input", message, { details: { project: project.id, other: linked.project } });
}

function standing(run: string): BatonError {
  const message = `Run ${run} holds the ad-hoc tasks of its project and never ends: link tasks.`;
  return new BatonError("invalid_input", message);
}

/** The same as they are under their runs' locks: what ends from now on finds the milestone. */
function* lockedLinks(links: readonly WantedLink[]): Tx<WantedLink[]> {
  const workflows = links.filter(({ kind }) => kind === "workflow").map(({ target }) => target);
  const runs = new Set(links.flatMap(({ run }) => run ?? []));
  yield* lockRuns([...runs, ...(yield* milestones.openRunsOf(workflows))]);
  const succeeded = new Set<string>();
  for (const run of yield* findRuns([...runs])) if (run.status === "succeeded") succeeded.add(run.id);
  for (const { kind, target } of links) {
    const task: Task | undefined = kind === "task" ? yield* findTask(target) : undefined;
    if (task?.status === "succeeded") succeeded.add(target);
  }
  return links.map((link) => ({ ...link, done: succeeded.has(link.target) }));
}

function* requireCapacity(project: Project): Tx<void> {
  const there = yield* milestones.milestonesOf(project.id, MILESTONES_MAX);
  if (there.length < MILESTONES_MAX) return;
  throw new BatonError("limit_exceeded", `The project "${project.name}" has ${MILESTONES_MAX} milestones already.`);
}

function* sameMilestone(known: Milestone, wanted: readonly WantedLink[], dueAt: number | null): Tx<Linked> {
  const links = yield* milestones.linksOf([known.id]);
  const targets = new Set(links.map(({ target }) => target));
  const same = links.length === wanted.length && wanted.every(({ target }) => targets.has(target));
  if (same && (dueAt === null || dueAt === known.dueAt)) return { milestone: known, links };
  throw new BatonError("conflict", `There is a milestone "${known.name}" already, which is another: choose a name.`, {
    details: { milestone: milestoneView({ milestone: known, links }, known.createdAt) },
  });
}

/** Completes a milestone by hand, whatever it still waits for. One that is completed stays as it is. Errors: `not_found`. */
export function* completeMilestone(
  ctx: EngineContext,
  project: Project,
  { name, note }: { readonly name: string; readonly note?: string | undefined },
): Tx<Linked> {
  const known = yield* milestones.findMilestone(project.id, name);
  if (known === undefined) throw yield* noSuchMilestone(project, name);
  const links = yield* milestones.linksOf([known.id]);
  const [milestone = known] = yield* lockMilestones([known.id]);
  if (milestone.status === "completed") return { milestone, links };
  const by = ctx.caller.agent;
  const completed: Milestone = {
    ...milestone,
    status: "completed",
    note: note ?? milestone.note,
    completedAt: ctx.now,
    completedBy: by,
  };
  yield* milestones.saveMilestone(completed);
  const waitedFor = milestone.links - milestone.done;
  yield* appendEvents(ctx, [completion(milestone, { by, links: milestone.links, waited_for: waitedFor, note })]);
  return { milestone: completed, links };
}

function* noSuchMilestone(project: Project, name: string): Tx<BatonError> {
  const names = (yield* milestones.milestonesOf(project.id, MILESTONES_MAX)).map((one) => one.name);
  const message = `The project "${project.name}" has no milestone "${name}"${hint(name, names)}.`;
  return new BatonError("not_found", message, {
    details: { project: project.id, milestone: name, known: names.slice(0, 10) },
    next: [
      { tool: "query_operation", arguments: { name: "get_project_status", arguments: { project: project.name } } },
    ],
  });
}

const SHOWN_MAX = 100;

/** A project's milestones: the open ones first, the soonest due before the others. */
export function* milestoneLines(ctx: Pick<EngineContext, "now">, project: string) {
  const found = yield* milestones.milestonesOf(project, SHOWN_MAX);
  const links = yield* milestones.linksOf(found.map(({ id }) => id));
  return found.map((milestone) =>
    milestoneView({ milestone, links: links.filter((link) => link.milestone === milestone.id) }, ctx.now),
  );
}

const WAITS_SHOWN_MAX = 20;

/** As it stands in answers and resources. */
export function milestoneView({ milestone, links }: Linked, now: number) {
  const open = milestone.status === "open";
  const waits = open ? links.filter(({ done }) => !done) : [];
  return {
    name: milestone.name,
    status: milestone.status,
    overdue: open && milestone.dueAt !== null && milestone.dueAt < now,
    due_at: isoOrNull(milestone.dueAt),
    done: milestone.done,
    links: milestone.links,
    waits_for: waits.slice(0, WAITS_SHOWN_MAX).map(({ kind, target, label }) => ({ kind, id: target, name: label })),
    ...(milestone.note === null ? {} : { note: milestone.note }),
    ...(milestone.completedAt === null
      ? {}
      : { completed_at: isoOrNull(milestone.completedAt), completed_by: milestone.completedBy }),
  };
}
