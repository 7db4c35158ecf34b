import { findBase, type ReviewBase, saveBase } from "../../store/reviews/bases.js";
import { decidedReviews, findReview, replaceDiff, type Review } from "../../store/reviews/reviews.js";
import { locksOfTask } from "../../store/locks/locks.js";
import { findScope } from "../../store/scheduling/file-sets.js";
import { appendEvents } from "../../store/events/events.js";
import { findTask, findTaskAndSpec, type Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type GivenHandle, requireHolder } from "../agents/holder.js";
import { type ArtifactPlace, storeArtifact } from "../artifacts/artifacts.js";
import type { Content } from "../artifacts/content.js";
import { rootIfAny } from "../artifacts/places.js";
import { type EngineContext, SERVER } from "../context.js";
import { lockTask } from "../lifecycle/locked-task.js";
import { requireTask } from "../lookup.js";
import { keptPattern, overlaps, storedPattern } from "../paths/paths.js";
import { ownProject } from "../projects/projects.js";
import type { DiffOfTask } from "./opening.js";

/** Thrown by a completion that is to be reviewed: its diff is made outside of the transaction, which is then done again with it. */
export class DiffNeeded extends Error {}

/** Files to compare, and the commit to compare them with. */
export interface DiffPlan {
  readonly root: string;
  readonly base: string | null;
  /** Paths and globs, relative to the root. */
  readonly files: readonly string[];
  readonly isOwn: (path: string) => boolean;
}

/** A diff as it was made before the transaction: its text, or why there is none. */
export interface MadeDiff {
  readonly content: Content | undefined;
  readonly commit: string | null;
  readonly noDiff: string | null;
  readonly files: readonly string[];
}

/** The directory whose commit is noted for a task as its work begins; undefined where one is noted that stays. A query. */
export function* baseWanted(ctx: EngineContext, task: Pick<Task, "id">): Tx<string | undefined> {
  const last = (yield* decidedReviews(task.id)).at(-1);
  // A revision is judged with all that came before it.
  if (last?.verdict === "revise" && (yield* findBase(task.id)) !== undefined) return undefined;
  return yield* rootIfAny(ctx, { task: task.id });
}

/** Notes the commit from which the work on a task begins. */
export function* noteBase(ctx: EngineContext, base: Pick<ReviewBase, "task" | "root" | "commit">): Tx<void> {
  yield* saveBase({ ...base, files: [], at: ctx.now });
}

const NO_FILES = "the task declares no files and holds no locks, so that none are its own";

/** The diff to make for a task that is about to be completed; undefined where it is not to be reviewed. A query. */
export function* planDiff(reference: string): Tx<DiffPlan | { readonly noDiff: string } | undefined> {
  const { task, spec } = yield* requireTask(reference);
  if (spec.review === undefined || task.status !== "running") return undefined;
  const base = yield* findBase(task.id);
  if (!base) return { noDiff: "there is no git repository, or the commit from which the work began was not noted" };
  const files = yield* ownFiles(task);
  return files.length === 0 ? { noDiff: NO_FILES } : yield* planOf(task, { ...base, files });
}

function* planOf(task: Task, { root, commit, files }: Pick<ReviewBase, "root" | "commit" | "files">): Tx<DiffPlan> {
  const { caseInsensitive } = yield* ownProject(task);
  const patterns = files.map((file) => keptPattern({ caseInsensitive }, file));
  const isOwn = (path: string): boolean => {
    const place = storedPattern({ caseInsensitive }, path, "file");
    return patterns.some((pattern) => overlaps(pattern, place));
  };
  return { root, base: commit, files, isOwn };
}

/** The files that a task writes: its scope, and what it holds locks on. */
function* ownFiles(task: Task): Tx<string[]> {
  const scope = task.scope === "" ? undefined : yield* findScope(task.scope);
  const locks = (yield* locksOfTask(task.id)).filter(({ mode }) => mode !== "shared");
  return [...new Set([...(scope?.paths.write ?? []), ...locks.map(({ path }) => path)])].sort();
}

/** Stores a diff as an artifact of the task's open attempt, whose rows are locked. */
export function* storeDiff(ctx: EngineContext, task: Task, made: MadeDiff): Tx<DiffOfTask> {
  const { content, commit, noDiff, files } = made;
  const base = yield* findBase(task.id);
  if (base) yield* saveBase({ ...base, files: [...files] });
  if (!content) return { artifact: null, hash: null, commit, noDiff };
  const artifact = yield* putDiff(ctx, { project: task.project, run: task.run, task }, { task, content });
  return { artifact: artifact.id, hash: artifact.hash, commit, noDiff: null };
}

function* putDiff(ctx: EngineContext, place: ArtifactPlace, { task, content }: { task: Task; content: Content }) {
  const name = `${task.key.slice(0, NAME_CHARS)}/changes.diff`;
  const { artifact } = yield* storeArtifact(ctx, place, { name, type: "diff", content, agent: task.agent ?? SERVER });
  return artifact;
}

const NAME_CHARS = 150;

/** A call that would approve a review. */
export interface Approving extends GivenHandle {
  /** The reviewer's task. */
  readonly task: string;
  /** Default: that of the caller's own attempt; of a person, that of the question as it is. */
  readonly token?: number | undefined;
}

/**
 * Whether a call comes from the reviewer of an open review: only its holder, or a person who is asked, binds it to another diff. Any other
 * is refused by the verdict itself. Errors: `not_permitted`.
 */
function* isReviewer(ctx: EngineContext, { task: id, token, agent }: Approving): Tx<boolean> {
  const found = yield* findTaskAndSpec(id);
  if (!found || found.task.endedAt !== null) return false;
  const { task } = found;
  if (token !== undefined && token !== task.token) return false;
  if (task.kind === "human") return task.status === "waiting" && ctx.caller.channel === "human";
  if (task.status !== "running") return false;
  if (token === undefined && task.agent !== (agent ?? ctx.caller.agent)) return false;
  yield* requireHolder(ctx, { ...found, holder: task }, { agent });
  return true;
}

/** The diff to make again before its reviewer approves an open review; undefined where it has none. A query. Errors: `not_permitted`. */
export function* planAgain(
  ctx: EngineContext,
  approving: Approving,
): Tx<{ readonly review: Review; readonly plan: DiffPlan } | undefined> {
  if (!(yield* isReviewer(ctx, approving))) return undefined;
  const review = yield* findReview(approving.task);
  const task = typeof review?.task === "string" ? yield* findTask(review.task) : undefined;
  const base = task && (yield* findBase(task.id));
  if (!review?.binding || review.hash === null || !task || !base) return undefined;
  return { review, plan: yield* planOf(task, base) };
}

export interface DiffRenewal extends Approving {
  /** As it was when the diff was made. */
  readonly review: Review;
  readonly made: MadeDiff;
}

/**
 * Binds an open review to the diff of what its task's files have become, unless its reviewer has lost it or it was bound to another
 * meanwhile. Returns it as it is then. Errors: `not_permitted`.
 */
export function* renewDiff(ctx: EngineContext, { review: seen, made, ...approving }: DiffRenewal): Tx<Review> {
  const { task } = yield* lockTask(seen.task ?? "");
  const review = yield* findReview(seen.id);
  if (!review || !made.content || review.hash !== seen.hash || !(yield* isReviewer(ctx, approving)))
    return review ?? seen;
  const artifact = yield* putDiff(ctx, { project: task.project, run: task.run, task }, { task, content: made.content });
  const renewed: Review = { ...review, artifact: artifact.id, hash: artifact.hash, commit: made.commit };
  yield* replaceDiff(renewed);
  const { project, run, id } = task;
  const data = { key: task.key, review: review.id, round: review.round, diff: artifact.id };
  yield* appendEvents(ctx, [{ type: "review.voided", project, run, task: id, agent: review.author, data }]);
  return renewed;
}
