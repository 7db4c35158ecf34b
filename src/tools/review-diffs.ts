import { BatonError, callOperation } from "../base/errors.js";
import { contentOf } from "../engine/artifacts/content.js";
import type { Brief } from "../engine/claims/brief.js";
import {
  type Approving,
  baseWanted,
  DiffNeeded,
  type DiffPlan,
  type MadeDiff,
  noteBase,
  planAgain,
  planDiff,
  renewDiff,
} from "../engine/reviews/diffs.js";
import { requireTask } from "../engine/lookup.js";
import { reviewMeant } from "../engine/tasks/reviewing.js";
import type { HostWith } from "../dispatch/operation.js";
import { savedBeside, storedWith } from "./artifact-contents.js";

// Diffs for reviews: git is asked outside of every transaction.

/** Notes the commit from which the work on a claimed task begins, where it is to be reviewed. */
export async function noteWorkBegins(host: HostWith<"files">, { task, spec, resumed }: Brief): Promise<void> {
  if (spec.review === undefined || resumed) return;
  const root = await host.read((ctx) => baseWanted(ctx, task));
  const commit = root === undefined ? undefined : await host.files.head(root);
  if (root === undefined || commit === undefined) return;
  await host.transact((ctx) => noteBase(ctx, { task: task.id, root, commit }), "base");
}

/** Completes a task; where it is to be reviewed, again with its diff. Any other costs no question. */
export async function withDiff<T>(
  host: HostWith<"files" | "contents">,
  task: string,
  complete: (diff: MadeDiff | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await complete(undefined);
  } catch (error) {
    if (!(error instanceof DiffNeeded)) throw error;
    const diff = await diffOf(host, task);
    return storedWith(host, diff.content ? [diff.content] : [], () => complete(diff));
  }
}

async function diffOf(host: HostWith<"files" | "contents">, task: string): Promise<MadeDiff> {
  const plan = await host.read(() => planDiff(task));
  // The task was taken away meanwhile: the completion says so.
  if (plan === undefined || "noDiff" in plan)
    return { content: undefined, commit: null, noDiff: plan?.noDiff ?? null, files: [] };
  return made(host, plan);
}

async function made(host: HostWith<"files" | "contents">, plan: DiffPlan): Promise<MadeDiff> {
  const { files } = plan;
  const diff = await host.files.diff(plan);
  if ("why" in diff) return { content: undefined, commit: null, noDiff: diff.why, files };
  const content = await savedBeside(host.contents, contentOf(Buffer.from(diff.text)));
  return { content, commit: diff.commit, noDiff: null, files };
}

/**
 * Refuses to approve work whose files are others by now than in the diff that was reviewed; the review is then bound to the new diff. A
 * call of another than the reviewer changes nothing: the verdict itself refuses it. Errors: `conflict`; `unavailable` where they cannot be
 * compared; `not_permitted`.
 */
export async function requireUnchanged(host: HostWith<"files" | "contents">, given: Approving): Promise<void> {
  const { token, agent } = given;
  const again = await host.read(function* (ctx) {
    const { task } = yield* reviewMeant(ctx, given);
    return yield* planAgain(ctx, { task: task.id, token, agent });
  });
  if (again === undefined) return;
  const { review } = again;
  const now = await made(host, again.plan);
  const { content } = now;
  const task = review.id;
  if (content === undefined) {
    const message = `The files of the reviewed work cannot be compared with its diff: ${now.noDiff ?? "git failed"}. Nothing was decided. Submit revise or reject, or bring the work tree back.`;
    throw new BatonError("unavailable", message, { details: { review: task, diff: review.artifact } });
  }
  if (content.hash === review.hash) return;
  const renewal = { task, token, agent, review, made: now };
  const renewed = await storedWith(host, [content], () => host.transact((ctx) => renewDiff(ctx, renewal), "diff"));
  const message = `The reviewed files have changed since the diff that you read (${review.artifact ?? "none"}). Nothing was decided. Read the new diff ${renewed.artifact ?? "none"}, then decide again.`;
  throw new BatonError("conflict", message, {
    details: { review: task, diff: renewed.artifact, before: review.artifact },
    next: [callOperation("get_artifact", { artifact: renewed.artifact })],
  });
}

/** Whether a task is that of a reviewer. */
export async function isReviewTask(host: HostWith<"files">, task: string): Promise<boolean> {
  return host.read(function* () {
    return (yield* requireTask(task)).spec.review_of !== undefined;
  });
}
