import {
  type Attempt,
  type DependencyResult,
  dependencyResults,
  hasWorkedIn,
  tellingAttempt,
} from "../../store/tasks/attempts.js";
import { type Artifact, newestOfTasks } from "../../store/artifacts/artifacts.js";
import { type Message, messagesOfTask } from "../../store/channels/messages.js";
import { lockRun } from "../../store/lock-order.js";
import type { Requirements } from "../../store/resources/resources.js";
import type { Run } from "../../store/runs/runs.js";
import type { Review } from "../../store/reviews/reviews.js";
import { findTaskAndSpec, type Task, type TaskAndSpec } from "../../store/tasks/tasks.js";
import { nothing, together, type Tx } from "../../store/tx.js";
import { appendEvents } from "../../store/events/events.js";
import type { EngineContext } from "../context.js";
import { callerOf, requireHolder } from "../agents/holder.js";
import { type LeaseTerms, leaseTerms, renewLease } from "../lifecycle/leases.js";
import { locksHeldBy } from "../locks/task-locks.js";
import type { LockLine } from "../locks/views.js";
import { resourcesOfTask } from "../resources/tasks.js";
import { type ReviewBrief, reviewBrief, reviewsForHolder } from "../reviews/brief.js";
import { withElementResults } from "../steps/elements.js";

/** Everything the holder of a task needs to know, and the lease under which it works. */
export interface Brief extends TaskAndSpec {
  readonly run: Run;
  readonly resumed: boolean;
  readonly dependencies: readonly DependencyResult[];
  /** The newest artifacts of the dependencies; one more than are shown where there are more. */
  readonly artifacts: readonly Artifact[];
  /** The newest earlier attempt that left a partial result or an error, else the newest; undefined for the first attempt. */
  readonly previous: Attempt | undefined;
  readonly locks: readonly LockLine[];
  readonly lease: LeaseTerms;
  /** The resources that it was given with its claim; undefined where it requires none. */
  readonly resources: Requirements | undefined;
  /** Whether the agent has been told the run's inputs in full: one of its last tasks was of this run. */
  readonly knowsInputs: boolean;
  /** The newest messages that are bound to the task, oldest first; one more than are shown where there are more. */
  readonly messages: readonly Message[];
  /** Whether the attempt is under way on this very connection: another agent that shares the handle may be at work on it. */
  readonly shared: boolean;
  /** The work that is to be reviewed, where the task is that of a reviewer. */
  readonly review: ReviewBrief | undefined;
  /** Reviews of earlier attempts. */
  readonly reviews: readonly Review[];
}

/** Messages bound to a task that its brief shows. */
export const MESSAGES_SHOWN_MAX = 10;

/** Artifacts of dependencies that a brief names. */
export const ARTIFACTS_SHOWN_MAX = 20;

/** Length of an input of the run, in characters, up to which each brief repeats it whole. */
export const INPUT_REPEATED_MAX = 500;
/** Tasks of an agent within which the brief that had the inputs in full is taken to be remembered. */
const TASKS_REMEMBERED = 50;

const RESULT_SHOWN_MAX = 4_000;
const RESULT_SHOWN_MIN = 100;
const RESULTS_SHOWN_MAX = 40_000;

/** How much a brief shows of each result, in characters: whole where that is short, and little of each where there are many. */
export function resultCharsShown(dependencies: number): number {
  return Math.max(RESULT_SHOWN_MIN, Math.min(RESULT_SHOWN_MAX, Math.floor(RESULTS_SHOWN_MAX / dependencies)));
}

/** Whether a brief repeats only the start of an input. */
export function isLongText(input: unknown): input is string {
  return typeof input === "string" && input.length > INPUT_REPEATED_MAX;
}

/** The brief of a task that is held from now on. */
export function* briefOf(
  ctx: EngineContext,
  { task, spec }: TaskAndSpec,
  known: { run: Run; locks: readonly LockLine[]; resumed: boolean; hasMessages: boolean; shared?: boolean },
): Tx<Brief> {
  // One character more than is shown tells that there is more.
  const chars = resultCharsShown(task.depsTotal) + 1;
  const bound = { sender: task.agent ?? "", limit: MESSAGES_SHOWN_MAX + 1 };
  const [found = [], previous, messages = []] = yield* together([
    task.depsTotal === 0 ? nothing() : dependencyResults(task.id, chars),
    task.attempt <= 1 ? nothing() : tellingAttempt(task.id),
    known.hasMessages ? messagesOfTask(task.id, bound) : nothing(),
  ]);
  const dependencies = yield* withElementResults(ctx, found, chars);
  const withArtifacts = found.filter(({ hasArtifacts }) => hasArtifacts).map((one) => one.task);
  const artifacts = withArtifacts.length === 0 ? [] : yield* newestOfTasks(withArtifacts, ARTIFACTS_SHOWN_MAX + 1);
  const hasLong = Object.values(known.run.inputs).some((input) => isLongText(input));
  const knowsInputs =
    hasLong &&
    !known.resumed &&
    task.agent !== null &&
    (yield* hasWorkedIn(known.run.id, task.agent, TASKS_REMEMBERED));
  // A new claim allocates its own last.
  const hasResources = known.resumed && spec.resources !== undefined;
  const resources = hasResources ? yield* resourcesOfTask(task.id) : undefined;
  const review = spec.review_of === undefined ? undefined : yield* reviewBrief(task.id);
  const reviews = yield* reviewsForHolder({ task, spec });
  return {
    task,
    spec,
    review,
    reviews,
    run: known.run,
    resumed: known.resumed,
    locks: known.locks,
    dependencies,
    artifacts,
    previous,
    messages: messages.toReversed(),
    resources,
    lease: leaseTerms(ctx, { session: task.session, expiresAt: task.leaseExpiresAt ?? ctx.now }),
    knowsInputs,
    shared: known.shared === true,
  };
}

/**
 * Returns an agent's own live attempt, under its current token; the caller's session takes over the lease. Undefined where it was
 * lost between the read and this lock: the task may be held by another agent by now.
 */
export function* resume(ctx: EngineContext, own: Task): Tx<Brief | undefined> {
  // A transaction that takes a task away holds the run's lock: until then the lease's owner is not certain.
  const [run, found, locks] = yield* together([lockRun(own.run), findTaskAndSpec(own.id), locksHeldBy(own.id)]);
  if (!found || !run || found.task.token !== own.token || found.task.status !== "running") return undefined;
  yield* requireHolder(ctx, { ...found, holder: found.task }, { agent: found.task.agent ?? undefined });
  const lease = yield* renewLease(ctx, found);
  const shared = ctx.caller.session !== null && lease.session === found.task.session;
  const adopted = callerOf(ctx, found.task, { agent: found.task.agent ?? undefined });
  if (typeof adopted.by_session === "string") {
    const { id, key, project, agent } = found.task;
    yield* appendEvents(ctx, [
      { type: "task.resumed", project, run: run.id, task: id, agent, data: { key, ...adopted } },
    ]);
  }
  const task = { ...found.task, session: lease.session, leaseExpiresAt: lease.expiresAt };
  return yield* briefOf(
    ctx,
    { task, spec: found.spec },
    { run, locks, resumed: true, shared, hasMessages: found.hasMessages },
  );
}
