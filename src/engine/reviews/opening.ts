import type { Severity } from "../../base/statuses.js";
import { decidedReviews, insertReview, type Review, reviewsOf } from "../../store/reviews/reviews.js";
import type { ReviewPolicy, Task, TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type EngineContext, SERVER } from "../context.js";
import { parseDefinition, type Step } from "../definitions/definition.js";
import { settleWaiting } from "../lifecycle/dependents.js";
import type { RunChange } from "../lifecycle/run-change.js";
import { ownProject } from "../projects/projects.js";
import { priorityName } from "../scheduling/order.js";
import { instantiate } from "../steps/instantiate.js";
import { type NextReview, nextReview } from "./ladder.js";
import { reviewKey } from "../../store/reviews/review-key.js";
import { VERDICT_SCHEMA, verdictText } from "./verdict.js";

/** The diff of a task's own files, or why there is none. */
export interface DiffOfTask {
  readonly artifact: string | null;
  readonly hash: string | null;
  readonly commit: string | null;
  readonly noDiff: string | null;
}

export const NO_DIFF: DiffOfTask = { artifact: null, hash: null, commit: null, noDiff: null };

export interface ReviewOpening {
  readonly policy: ReviewPolicy;
  /** The agent whose work is reviewed. */
  readonly author: string | null;
  readonly requestedBy: string;
  /** Whether the verdict decides the state of the task. */
  readonly binding: boolean;
  readonly diff?: DiffOfTask | undefined;
}

/** Makes the task of the next reviewer, in the run of the task. Returns it as it is then: ready, or waiting for a person. */
export function* openReview(change: RunChange, { task, spec }: TaskAndSpec, opening: ReviewOpening): Tx<Task> {
  const { ctx, run } = change;
  const project = yield* ownProject(task);
  const known = yield* reviewsOf(task.id);
  const decided = yield* decidedReviews(task.id);
  const last = Math.max(0, ...known.map(({ round }) => round));
  const next = nextReview(project.config, opening.policy, { decided, last });
  const step = reviewStep(ctx, { task, next, last: decided.at(-1), files: opening.diff?.artifact ?? null });
  const id = ctx.newId("task");
  const [made] = yield* instantiate(ctx, {
    project,
    run,
    author: SERVER,
    planned: [{ step, id, dependencies: [], dependents: 0, upwardRankMs: task.estimateMs - task.rankOrder }],
  });
  if (!made) throw new Error("one step makes one task");
  const { diff = NO_DIFF, author, requestedBy, binding, policy } = opening;
  yield* insertReview({
    id,
    project: task.project,
    run: run.id,
    task: task.id,
    attempt: task.attempt,
    ...next,
    binding,
    author,
    requestedBy,
    criteria: [...(policy.criteria ?? []), ...(spec.criteria ?? [])],
    ...diff,
    createdAt: ctx.now,
    verdict: null,
    reviewer: null,
    critique: null,
    findings: [],
    decidedAt: null,
  });
  change.add(made);
  const { tier, round, role } = next;
  const data = { review: id, round, tier, role, ...(diff.artifact !== null && { diff: diff.artifact }) };
  change.recordTask({ ...task, agent: author }, "review.requested", data);
  const [ready] = yield* settleWaiting(change, [made]);
  return ready ?? made;
}

interface Reviewing {
  readonly task: Task;
  readonly next: NextReview;
  readonly last: Review | undefined;
  /** Id of the diff. */
  readonly files: string | null;
}

/** The step of a reviewer. Its prompt names the task alone: texts of others, and expressions in them, stand in its brief as data. */
function reviewStep({ settings }: EngineContext, { task, next, last, files }: Reviewing): Step {
  const title = `Review of ${task.key}`;
  const written =
    next.tier === "human"
      ? { kind: "human", ask: askOf(task, { last, files }) }
      : { prompt: promptOf(task), output: VERDICT_SCHEMA, ...(next.role !== null && { role: next.role }) };
  const definition = {
    name: "review",
    steps: [{ key: "review", title, priority: priorityName(task.priority), ...written }],
  };
  const parsed = parseDefinition(definition, { limits: settings, literal: true });
  const step = "problems" in parsed ? undefined : parsed.definition.steps[0];
  if (!step) throw new Error(`the step that reviews ${task.key} is not sound`);
  const key = reviewKey(task.key, next.round);
  return { ...step, key, review_of: task.key, ...(next.tier !== "human" && { not_by: [task.key] }) };
}

function promptOf({ key, run }: Task): string {
  return `Review the work on task ${key} of run ${run}. The field review of this brief has what it asked for, its result, the call that shows its diff, and the findings of earlier rounds. Read the diff and the files themselves, then decide with submit_review: approve, revise (back to its author with your critique) or reject (it fails).`;
}

const WORST: readonly Severity[] = ["critical", "major"];

/** The question to a person, who decides where all tiers have asked for revisions, or the step says so. */
function askOf({ key, id }: Task, { last, files }: Pick<Reviewing, "last" | "files">): string {
  const diff = files === null ? "" : ` Its diff: baton artifacts get ${files}.`;
  const open = last?.findings.filter(({ severity }) => WORST.includes(severity)) ?? [];
  const before =
    last === undefined ? "" : ` The last reviewer said: ${literal(verdictText({ ...last, findings: open }))}`;
  return `Does the work on task ${key} (${id}) stand?${diff} Approved: it has succeeded; approved with conditions: it goes back to its author with them; rejected: it fails.${before}`;
}

/** A text in which nothing is an expression. */
function literal(text: string): string {
  return text.replaceAll("${{", "$ {{");
}
