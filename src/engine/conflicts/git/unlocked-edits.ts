import type { EditedFile, EditSearch, WorkTreeEdits } from "../../../runtime/git/edited-files.js";
import { grouped } from "../../../base/lists/groups.js";
import { shownLine } from "../../../base/texts/shown-text.js";
import { iso } from "../../../base/time.js";
import { type Session, sessionsInWorkTrees, workersOfSessions } from "../../../store/presence/sessions.js";
import { relatives } from "../../../store/projects/projects.js";
import type { Tx } from "../../../store/tx.js";
import type { EngineContext } from "../../context.js";
import { directoryIn } from "../../locks/nested.js";
import { normalisePath, overlaps, type PathPattern, storedPattern } from "../../paths/paths.js";
import type { Project } from "../../projects/projects.js";
import type { FoundConflict } from "../found.js";
import { PARTIES_MAX, PATHS_SHOWN_MAX } from "../lock-waits.js";
import { type LockSpan, lockHistory, type Nested, standingSpans } from "./lock-spans.js";

const SESSIONS_MAX = 500;
const COMPARISONS_MAX = 1_000_000;
/** Edits of one work tree that a conflict names with their times, the newest. */
const EDITS_SHOWN_MAX = 20;
/** Hooks lock a file after its first edit; times of files may be coarse. */
const BEFORE_MS = 60_000;
const AFTER_MS = 2_000;

/** Where git is asked for the edits of a project, or why it is not. */
export type EditPlaces = EditSearch | { readonly why: string };

/** Returns the root of a project, with the work trees of live sessions where all worktrees mean the same files. A query. */
export function* editPlaces(ctx: EngineContext, { root, config }: Project): Tx<EditPlaces> {
  if (root === null) return { why: "the project has no root directory" };
  const sessions = config.worktrees === "shared" ? yield* sessionsInWorkTrees(ctx.caller.host, SESSIONS_MAX) : [];
  const live = sessions.filter(({ goneAt, endedAt }) => goneAt === null && endedAt === null);
  return { root, workTrees: [...new Set(live.flatMap(({ workTree }) => workTree ?? []))] };
}

/** Sessions of this machine in work trees, with the agents that work over them. */
interface Workers {
  readonly sessions: readonly (Session & { readonly agents: readonly string[] })[];
  /** By agent, the work trees that it works in; none for one that is not known to work in any. */
  readonly treesOf: ReadonlyMap<string, ReadonlySet<string>>;
}

function* workersHere(ctx: EngineContext): Tx<Workers> {
  const sessions = yield* sessionsInWorkTrees(ctx.caller.host, SESSIONS_MAX);
  const workers = yield* workersOfSessions(sessions.map(({ id }) => id));
  const agents = grouped(
    workers,
    ({ session }) => session,
    ({ agent }) => agent,
  );
  const treesOf = new Map<string, Set<string>>();
  for (const { id, workTree } of sessions)
    for (const agent of agents.get(id) ?? []) treesOf.set(agent, (treesOf.get(agent) ?? new Set()).add(workTree ?? ""));
  return { sessions: sessions.map((one) => ({ ...one, agents: agents.get(one.id) ?? [] })), treesOf };
}

interface PlacedEdit extends EditedFile {
  readonly workTree: string;
  readonly pattern: PathPattern;
  /** Agents that may have made it. */
  readonly agents: readonly string[];
}

interface UnlockedEdits {
  readonly found: readonly FoundConflict[];
  /** Whether every edit that an agent may have made is newer than the oldest lock that the history tells of. */
  readonly isWhole: boolean;
}

/**
 * Finds edits at whose time no lock on the file was held, one conflict for each work tree. Locks of an agent that works in other work trees
 * alone do not count. Only edits that an agent may have made count: its session was open in that work tree then. Where locks are not used
 * there are none; undefined where there are too many to compare. A query.
 */
export function* unlockedEdits(
  ctx: EngineContext,
  project: Project,
  trees: readonly WorkTreeEdits[],
): Tx<UnlockedEdits | undefined> {
  if (trees.every(({ files }) => files.length === 0)) return { found: [], isWhole: true };
  const workers = yield* workersHere(ctx);
  const family = project.outermost === null ? [] : yield* relatives(project.id);
  const history = yield* lockHistory({ project, family });
  const ofAgents = trees.flatMap(({ workTree, files }) =>
    files.flatMap((edit): PlacedEdit[] => {
      const pattern = patternFor({ project, family }, edit.path);
      const agents = (edit.changedAt ?? ctx.now) < project.createdAt ? [] : mayHaveMade(workers, workTree, edit);
      return pattern && agents.length > 0 ? [{ ...edit, workTree, pattern, agents }] : [];
    }),
  );
  const edits = ofAgents.filter(({ changedAt }) => (changedAt ?? ctx.now) >= history.since);
  const isWhole = edits.length === ofAgents.length;
  const patterns = edits.map(({ pattern }) => pattern);
  const standing = yield* standingSpans(ctx.now, project, patterns);
  if (standing === undefined) return undefined;
  const spans = [...standing, ...history.spans];
  if (spans.length * edits.length > COMPARISONS_MAX) return undefined;
  if (spans.length === 0) return { found: [], isWhole };
  const isCovered = (edit: PlacedEdit): boolean =>
    spans.some((span) => (workers.treesOf.get(span.agent)?.has(edit.workTree) ?? true) && covers(span, edit));
  const open = edits.filter((edit) => !isCovered(edit));
  const found = [...grouped(open, ({ workTree }) => workTree)].map(([workTree, its]) => conflictOf(ctx, workTree, its));
  return { found, isWhole };
}

/** The time at which a file went is not known: any lock on it counts. */
function covers(span: LockSpan, { changedAt, pattern }: PlacedEdit): boolean {
  const isInTime = changedAt === null || (span.begun <= changedAt + BEFORE_MS && span.ended >= changedAt - AFTER_MS);
  return isInTime && overlaps(span.pattern, pattern);
}

function conflictOf({ now, caller }: EngineContext, workTree: string, edits: readonly PlacedEdit[]): FoundConflict {
  const newest = edits.toSorted((a, b) => (b.changedAt ?? now) - (a.changedAt ?? now));
  const shown = newest.slice(0, EDITS_SHOWN_MAX).map(({ path, changedAt }) => {
    return `${shownLine(path)} ${changedAt === null ? "is gone" : `changed at ${iso(changedAt)}`}`;
  });
  const more = newest.length > shown.length ? `; ${newest.length - shown.length} more` : "";
  const byAgent = grouped(
    newest.flatMap(({ path, agents }) => agents.map((agent) => ({ agent, path }))),
    ({ agent }) => agent,
    ({ path }) => path,
  );
  const parties = [...byAgent].map(([agent, paths]) => ({
    role: "may_have_edited" as const,
    agent,
    paths: paths.slice(0, PATHS_SHOWN_MAX),
    host: caller.host,
  }));
  return {
    kind: "unlocked_edit",
    names: [caller.host, workTree],
    run: null,
    parties: parties.slice(0, PARTIES_MAX),
    detail: `In ${shownLine(workTree)} no agent that works there had a lock then: ${shown.join("; ")}${more}. Lock, commit or take back such edits`,
  };
}

/**
 * A path as locks know it; undefined for one that no lock can have, and for one of a project inside. A sign of globs in the name of a file
 * means itself.
 */
function patternFor({ project, family }: Nested, path: string): PathPattern | undefined {
  const own = family.find(({ id }) => id === project.id);
  const inner = family.flatMap((other) => (own && directoryIn(own, other)) ?? []);
  if (inner.some((directory) => path.startsWith(`${directory}/`))) return undefined;
  try {
    normalisePath({ root: null, caseInsensitive: project.caseInsensitive }, path);
  } catch {
    return undefined;
  }
  return storedPattern(project, path.normalize("NFC"), "file");
}

function mayHaveMade({ sessions }: Workers, workTree: string, { changedAt }: EditedFile): string[] {
  const there = sessions.filter((session) => {
    const left = session.goneAt ?? session.endedAt;
    if (session.workTree !== workTree) return false;
    return changedAt === null ? left === null : session.openedAt <= changedAt && (left === null || left >= changedAt);
  });
  return [...new Set(there.flatMap(({ agents }) => agents))].toSorted();
}
