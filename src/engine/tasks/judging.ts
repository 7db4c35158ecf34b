import { BatonError } from "../../base/errors.js";
import { startOf } from "../../base/texts/stored-values.js";
import { TITLE_CHARS_MAX } from "../../base/limits.js";
import { nameFrom } from "../../base/names.js";
import { appendEvents } from "../../store/events/events.js";
import { reviewKey } from "../../store/reviews/review-key.js";
import { insertReview, type Review } from "../../store/reviews/reviews.js";
import { lockRun } from "../../store/lock-order.js";
import { findTask } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { Artifact } from "../artifacts/artifacts.js";
import { type EngineContext, SERVER } from "../context.js";
import { requireRun } from "../lookup.js";
import { ownProject } from "../projects/projects.js";
import { judgementOf, judgingRole } from "../reviews/judgements.js";
import { VERDICT_SCHEMA } from "../reviews/verdict.js";
import { tierOfRole } from "../supervision/tiers.js";
import { addTask, stepFrom } from "./ad-hoc.js";

export interface JudgementRequest {
  readonly artifact: Artifact;
  readonly criteria: readonly string[];
  /** Default: by the artifact's type. */
  readonly role?: string | undefined;
  readonly agent: string;
}

/**
 * Asks a reviewer to judge an artifact by criteria: a task of its run, whose verdict becomes issues of its validation. Returns the judgement
 * that is there already, open or decided. Errors: `invalid_transition` for an artifact of no run, or of one that has ended; `limit_exceeded`.
 */
export function* requestJudgement(ctx: EngineContext, request: JudgementRequest): Tx<Review> {
  const { artifact, criteria, agent } = request;
  if (artifact.run === null) throw ofNoRun(artifact);
  const run = (yield* lockRun(artifact.run)) ?? (yield* requireRun(artifact.run));
  const known = yield* judgementOf(artifact);
  if (known) return known;
  const project = yield* ownProject(run);
  const role = request.role ?? judgingRole(project.config, artifact.type);
  const { id, name, version, type } = artifact;
  const made = artifact.task === null ? undefined : yield* findTask(artifact.task);
  const step = stepFrom(ctx, {
    key: "review",
    title: startOf(`Judge ${name} version ${version}`, TITLE_CHARS_MAX),
    prompt: `Judge the artifact ${id} of type ${type}. The field review of this brief has the criteria and the call that reads it. Then decide with submit_review: approve, or revise or reject with a finding for each fault: severity (info, minor, major, critical), where, what and suggestion.`,
    output: VERDICT_SCHEMA,
    role,
  });
  const named = nameFrom(name, "artifact") === name ? `${name}@${version}` : id;
  const { task } = yield* addTask(ctx, {
    project,
    run,
    step: { ...step, key: reviewKey(named, 1), review_of: named, ...(made && { not_by: [made.key] }) },
    dependencies: [],
    agent: SERVER,
  });
  const review: Review = {
    id: task.id,
    project: run.project,
    run: run.id,
    task: null,
    attempt: 1,
    round: 1,
    tier: tierOfRole(project.config, role),
    role,
    binding: false,
    author: artifact.createdBy,
    requestedBy: agent,
    criteria,
    artifact: id,
    hash: artifact.hash,
    commit: null,
    noDiff: null,
    createdAt: ctx.now,
    verdict: null,
    reviewer: null,
    critique: null,
    findings: [],
    decidedAt: null,
  };
  yield* insertReview(review);
  const data = { review: task.id, round: 1, tier: review.tier, role, artifact: id };
  yield* appendEvents(ctx, [
    { type: "review.requested", project: run.project, run: run.id, task: artifact.task, agent, data },
  ]);
  return review;
}

function ofNoRun({ id, name }: Artifact): BatonError {
  const message = `${name} (${id}) belongs to a project and to no run, so there is no place for the task of a reviewer. Nothing was asked: put it into a run or task, or hand the criteria of this answer to a reviewer with create_task.`;
  return new BatonError("invalid_transition", message, { details: { artifact: id } });
}
