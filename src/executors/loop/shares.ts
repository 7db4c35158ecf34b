import type { LimitFunction } from "p-limit";
import type { RunWork } from "../../engine/presence/executor.js";
import type { ExecutedKind } from "../../engine/scheduling/demands.js";

/** A handler of one kind of step, and the slots for its attempts. */
interface Capacity {
  readonly handler: { readonly kind: ExecutedKind };
  readonly limit: LimitFunction;
}

interface Share<S> {
  readonly work: RunWork;
  /** The handlers that have capacity for it. */
  readonly free: readonly S[];
}

interface UnderWay extends Pick<RunWork, "run" | "project"> {
  readonly kind: string;
}

/** Parts from 0 to 1. */
export interface LargestShares {
  readonly run: number;
  readonly project: number;
}

interface Sharing<S> {
  /** The runs of a project in the order of their tasks. */
  readonly waiting: readonly RunWork[];
  /** Handlers with capacity. */
  readonly free: readonly S[];
  /** The run of each attempt under way, and its kind. */
  readonly underWay: readonly UnderWay[];
  /** The largest part of the slots for a kind that one run, and one project, may have under way. */
  readonly largest: LargestShares;
  /** The project that was served last: among equals those after it come first. */
  readonly served: string;
  /** Whether a slot is kept for runs that have none: not by an executor of one run. */
  readonly keepsOne: boolean;
}

/** Handlers of so many slots keep the last for a run that has nothing under way: its step then waits for no other run's. */
const SLOTS_TO_KEEP_ONE = 4;

/**
 * Returns the run that is served next: of the project, and in that the run, with the fewest steps under way. A project with many steps
 * leaves capacity for the others, and so does a run. None gets more than its largest share, also while no other waits.
 */
export function nextShare<S extends Capacity>({
  waiting,
  free,
  underWay,
  served,
  keepsOne,
  largest,
}: Sharing<S>): Share<S> | undefined {
  let best: (Share<S> & { rank: readonly number[] }) | undefined;
  for (const work of waiting) {
    const ofRun = underWay.filter(({ run }) => run === work.run).length;
    const own = free.filter(
      (slots) =>
        work.kinds.has(slots.handler.kind) &&
        (ofRun === 0 || !keepsOne || !isLastOfMany(slots)) &&
        (!keepsOne || isWithinShares(slots, work, { underWay, largest })),
    );
    if (own.length === 0) continue;
    const ofProject = underWay.filter(({ project }) => project === work.project).length;
    const rank = [ofProject, ofRun, work.project > served ? 0 : 1];
    if (best === undefined || isLower(rank, best.rank)) best = { work, free: own, rank };
  }
  return best;
}

/** Whether one more step of this kind leaves the run and its project within their shares; one step each may have. */
function isWithinShares<S extends Capacity>(
  { handler: { kind }, limit }: S,
  { run, project }: RunWork,
  { underWay, largest }: Pick<Sharing<S>, "underWay" | "largest">,
): boolean {
  const same = underWay.filter((one) => one.kind === kind);
  const most = (share: number) => Math.max(1, Math.floor(share * limit.concurrency));
  return (
    same.filter((one) => one.run === run).length < most(largest.run) &&
    same.filter((one) => one.project === project).length < most(largest.project)
  );
}

function isLastOfMany({ limit }: Capacity): boolean {
  const left = limit.concurrency - limit.activeCount - limit.pendingCount;
  return limit.concurrency >= SLOTS_TO_KEEP_ONE && left === 1;
}

function isLower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}
