import { BatonError, callOperation } from "../../base/errors.js";
import { hashOfInput } from "../../base/json.js";
import type { Approval } from "../../store/approvals/approvals.js";
import { type Artifact, findVersion, listArtifacts } from "../../store/artifacts/artifacts.js";
import { findTask, type Task } from "../../store/tasks/tasks.js";
import { outcomesByKey } from "../../store/tasks/server-steps.js";
import { workersOf } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import { requireArtifact } from "../artifacts/artifacts.js";
import { placeWanted } from "../artifacts/places.js";
import { type EngineContext, SERVER } from "../context.js";
import { requireTask } from "../lookup.js";

/** An artifact, or the result of a task: by its hash, for which alone an approval holds. */
export interface ApprovalSubject extends Pick<
  Approval,
  "project" | "run" | "task" | "artifact" | "scope" | "name" | "version" | "hash"
> {
  /** The agent that put it, beside those that worked on its task. */
  readonly author: string | undefined;
}

export interface GivenSubject {
  readonly task?: string | undefined;
  readonly artifact?: string | undefined;
  readonly run?: string | undefined;
  readonly project?: string | undefined;
}

const ARTIFACTS_MAX = 200;

/**
 * Finds the subject that a call names: an artifact by its id, or by its name in a task's run; of a task alone its diff, else its result, else its only
 * artifact. Errors: `not_found`, `invalid_input`, `invalid_transition` where there is nothing yet.
 */
export function* requireSubject(ctx: EngineContext, given: GivenSubject): Tx<ApprovalSubject> {
  if (given.artifact !== undefined) return ofArtifact(yield* namedArtifact(ctx, given, given.artifact));
  if (given.task === undefined) {
    const message = "task: name the task or the artifact that is to be approved. Nothing was asked.";
    throw new BatonError("invalid_input", message, { details: { path: "task" } });
  }
  const { task } = yield* requireTask(given.task);
  const newest = newestByName(yield* listArtifacts({ task: task.id, limit: ARTIFACTS_MAX }));
  const diff = newest.find(({ type }) => type === "diff");
  if (diff) return ofArtifact(diff);
  const hash = yield* resultHash(task);
  if (hash !== undefined) return ofResult(task, hash);
  const [artifact, ...others] = newest;
  if (artifact && others.length === 0) return ofArtifact(artifact);
  throw artifact ? severalArtifacts(task, newest) : nothingYet(task);
}

function* namedArtifact(ctx: EngineContext, given: GivenSubject, reference: string): Tx<Artifact> {
  if (reference.startsWith("artifact_")) return yield* requireArtifact({ artifact: reference });
  const task = given.task === undefined ? undefined : (yield* requireTask(given.task)).task;
  const { run, project } = yield* placeWanted(ctx, { run: task?.run ?? given.run, project: given.project });
  return yield* requireArtifact({ artifact: reference, scope: run ?? project });
}

function newestByName(artifacts: readonly Artifact[]): Artifact[] {
  const byName = new Map<string, Artifact>();
  for (const artifact of artifacts) if (!byName.has(artifact.name)) byName.set(artifact.name, artifact);
  return [...byName.values()];
}

function ofArtifact(artifact: Artifact): ApprovalSubject {
  const { id, project, run, task, scope, name, version, hash, createdBy } = artifact;
  return { project, run, task, artifact: id, scope, name, version, hash, author: createdBy };
}

function ofResult({ id, project, run }: Task, hash: string): ApprovalSubject {
  return { project, run, task: id, artifact: null, scope: null, name: null, version: null, hash, author: undefined };
}

/** The hash of a task's result; undefined where it has none. */
function* resultHash({ run, key }: Task): Tx<string | undefined> {
  const [outcome] = yield* outcomesByKey(run, [key]);
  return outcome === undefined || outcome.result === null ? undefined : hashOfInput(outcome.result);
}

function severalArtifacts(task: Task, artifacts: readonly Artifact[]): BatonError {
  const names = artifacts.map(({ name }) => name);
  const message = `artifact: task ${task.key} (${task.id}) has ${names.length} artifacts and no result: name one of ${names.join(", ")}. Nothing was asked.`;
  return new BatonError("invalid_input", message, { details: { path: "artifact", known: names } });
}

function nothingYet(task: Task): BatonError {
  const message = `Task ${task.key} (${task.id}) is ${task.status} and has neither a result nor an artifact: there is nothing to approve yet. Put the artifact first, or ask with escalate.`;
  return new BatonError("invalid_transition", message, {
    details: { task: task.id, status: task.status },
    next: [callOperation("put_artifact", { task: task.id, name: "…", content: "…" })],
  });
}

/** The parties that made a subject, in the form of `Demand.notBy`: they do not approve it. */
export function* makersOf({ task, author }: ApprovalSubject, byHandle: boolean): Tx<string[]> {
  const parties = new Set(author === undefined ? [] : [`agent:${author}`]);
  for (const { agent, session, clientSession } of task === null ? [] : yield* workersOf([task])) {
    if (agent === SERVER) continue;
    parties.add(`agent:${agent}`);
    if (byHandle) continue;
    if (session !== null) parties.add(`session:${session}`);
    if (clientSession !== null) parties.add(`client:${clientSession}`);
  }
  return [...parties];
}

/** Says why an approval does not hold any more, or cannot be decided: what it was asked for has changed since. */
export function* changeSince({ scope, name, version, task, hash }: Approval): Tx<string | undefined> {
  if (scope !== null && name !== null) {
    const newest = yield* findVersion(scope, name);
    if (newest?.hash === hash) return undefined;
    return newest === undefined
      ? `version ${version ?? 0} of ${name} does not count any more`
      : `${name} has version ${newest.version} by ${newest.createdBy}, and version ${version ?? 0} was asked for`;
  }
  const found = task === null ? undefined : yield* findTask(task);
  if (found && (yield* resultHash(found)) === hash) return undefined;
  return `the task has another result, or none`;
}

/** Whether an approval may still be decided: not where its subject has changed since. */
export function* isOpenApproval(approval: Approval): Tx<boolean> {
  return approval.decidedAt === null && (yield* changeSince(approval)) === undefined;
}
