import type { ConflictKind } from "../../base/statuses.js";
import { shownLine } from "../../base/texts/shown-text.js";
import {
  conflictsByIdentity,
  type ConflictParty,
  type ConflictRecord,
  forgetConflicts,
  insertConflict,
  listConflicts,
  projectWithOldConflicts,
  updateConflict,
} from "../../store/conflicts/conflicts.js";
import { appendEvents, type NewEvent } from "../../store/events/events.js";
import { lockProject } from "../../store/lock-order.js";
import type { Tx } from "../../store/tx.js";
import { SERVER, type EngineContext } from "../context.js";
import { voidEscalation } from "../escalations/announcements.js";
import { requireRun } from "../lookup.js";
import { findProject, type Project } from "../projects/projects.js";
import { deadlineClashes } from "./deadlines.js";
import { FOUND_MAX, type FoundConflict, identityOf } from "./found.js";
import { conflictsInGit, type GitAnswers, type LeftOut } from "./git/findings.js";
import { lockContention, lockQueues } from "./lock-waits.js";
import { overlappingPairs, overlappingScopes } from "./scopes.js";
import { holdersOf, oversubscribed, resourceState } from "./shortages.js";
import { waitCycles } from "./waits.js";

/** The project, or a run of it, in which conflicts are looked for. */
export interface ConflictScope {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
}

export interface Detection {
  readonly project: Project;
  readonly run: string | undefined;
  /** Kinds that were looked for: those of them that are not found any more are gone. */
  readonly kinds: readonly ConflictKind[];
  readonly found: readonly FoundConflict[];
  readonly leftOut: readonly LeftOut[];
}

const IN_DATABASE: readonly ConflictKind[] = [
  "lock_contention",
  "overlapping_scopes",
  "wait_cycle",
  "resources",
  "deadline",
];

/** Finds the conflicts that the database and git's answers tell of; undefined where there is no project. A query. Errors: `not_found`. */
export function* findConflicts(ctx: EngineContext, scope: ConflictScope, git: GitAnswers): Tx<Detection | undefined> {
  const run = scope.run === undefined ? undefined : yield* requireRun(scope.run);
  const project = yield* findProject(ctx, run?.project ?? scope.project);
  if (!project) return undefined;
  const where = { project: project.id, run: run?.id };
  const resources = yield* resourceState(ctx);
  const queues = yield* lockQueues(ctx, { project: project.id, others: holdersOf(resources) });
  const { pairs, isWhole } = yield* overlappingPairs(where);
  const inGit = yield* conflictsInGit(ctx, { project, run: run?.id }, git);
  const found = [
    ...waitCycles(queues, resources),
    ...(yield* lockContention(queues, where)),
    ...(yield* deadlineClashes(ctx, where, pairs)),
    ...(yield* oversubscribed(ctx, resources)),
    ...inGit.found,
    ...overlappingScopes(pairs),
  ];
  const cut = new Set(found.slice(FOUND_MAX).map(({ kind }) => kind));
  if (!isWhole) cut.add("overlapping_scopes");
  const kinds = [...IN_DATABASE, ...inGit.kinds].filter((kind) => !cut.has(kind));
  const known = inGit.leftOut.filter(({ kind }) => !cut.has(kind));
  const leftOut = [
    ...known,
    ...[...cut].map((kind) => ({ kind, why: "there are more of them, or more tasks, than are looked through" })),
  ];
  return { project, run: run?.id, kinds, found: found.slice(0, FOUND_MAX), leftOut };
}

/**
 * Records what was found: what was found before is the same conflict, and what was not found again is gone. Returns those that were
 * found, in the order in which they were.
 */
export function* recordConflicts(ctx: EngineContext, detection: Detection): Tx<ConflictRecord[]> {
  const { project, found } = detection;
  yield* lockProject(project.id);
  const known = new Map(
    (yield* conflictsByIdentity(found.map((one) => identityOf(project.id, one)))).map((one) => [one.identity, one]),
  );
  const records = new Map<string, ConflictRecord>();
  for (const one of found) {
    const identity = identityOf(project.id, one);
    if (records.has(identity)) continue;
    const before = known.get(identity);
    const record = before ? seenAgain(ctx, before, one) : newConflict(ctx, detection, one);
    if (before) yield* updateConflict(record);
    else yield* insertConflict(record);
    if (record.status === "open" && before?.status !== "open")
      yield* appendEvents(ctx, [conflictEvent("found", record)]);
    records.set(identity, record);
  }
  yield* closeOthers(ctx, detection, records);
  return [...records.values()];
}

/** A project with conflicts that were found last before the retention. A query that no index serves. */
export function* oldConflicts(ctx: EngineContext): Tx<string | undefined> {
  return yield* projectWithOldConflicts(ctx.now - ctx.settings.retention_ms);
}

/** Forgets a bounded number of them. */
export function* pruneConflicts(ctx: EngineContext, project: string): Tx<void> {
  yield* lockProject(project);
  yield* forgetConflicts(project, ctx.now - ctx.settings.retention_ms, FOUND_MAX);
}

/** A path may have line breaks, which a sentence has not. */
function shown(found: FoundConflict): FoundConflict {
  return { ...found, detail: shownLine(found.detail) };
}

function newConflict(ctx: EngineContext, { project }: Detection, found: FoundConflict): ConflictRecord {
  const { kind, run, parties, detail } = shown(found);
  return {
    id: ctx.newId("conflict"),
    identity: identityOf(project.id, found),
    project: project.id,
    run,
    kind,
    status: "open",
    parties,
    detail,
    foundAt: ctx.now,
    seenAt: ctx.now,
    dueAt: ctx.now + ctx.settings.conflict_timeout_ms,
    yields: null,
    ...UNDECIDED,
  };
}

const UNDECIDED = {
  strategy: null,
  decision: null,
  reason: null,
  alternatives: [],
  decidedBy: null,
  decidedAt: null,
  expectedMs: null,
  elapsedMs: null,
  escalation: null,
} as const;

/** A conflict that was gone begins anew, and so does a resolved one with other parties. */
function seenAgain(ctx: EngineContext, before: ConflictRecord, found: FoundConflict): ConflictRecord {
  const { parties, detail } = shown(found);
  const seen = { ...before, seenAt: ctx.now };
  if (before.status === "resolved" && isStillDecided(before, parties)) return seen;
  const fresh = { ...seen, parties, detail };
  const isOpen = before.status === "open" || before.status === "escalated";
  // A wait that stood in order is looked at anew with other parties.
  if (isOpen && (before.decision === null || isStillDecided(before, parties))) return fresh;
  return { ...fresh, ...UNDECIDED, status: "open", dueAt: ctx.now + ctx.settings.conflict_timeout_ms };
}

/** Whether what was decided is for these parties. While a task is to give way, it is for as long as any of those waits that it was decided for. */
function isStillDecided(before: ConflictRecord, parties: readonly ConflictParty[]): boolean {
  const decidedFor = new Set(before.parties.map(partyKey));
  const isKnown = (one: ConflictParty) => decidedFor.has(partyKey(one));
  if (before.yields === null) return parties.every(isKnown);
  return parties.some((one) => one.role === "waits" && isKnown(one));
}

function partyKey({ role, task, request, allocation, agent }: ConflictParty): string {
  return `${role} ${task ?? request ?? allocation ?? agent ?? ""}`;
}

/** Whether git tells of it on another machine alone. */
function isElsewhere({ caller }: EngineContext, { parties }: ConflictRecord): boolean {
  return parties.some(({ host }) => host !== undefined && host !== caller.host);
}

function* closeOthers(
  ctx: EngineContext,
  { project, run, kinds }: Detection,
  found: ReadonlyMap<string, ConflictRecord>,
): Tx<void> {
  for (const status of ["open", "escalated", "resolved"] as const)
    for (const one of yield* listConflicts({ project: project.id, run, status, limit: FOUND_MAX })) {
      if (found.has(one.identity) || !kinds.includes(one.kind) || isElsewhere(ctx, one)) continue;
      // The outcome of a resolution is still to be taken.
      yield* updateConflict({ ...one, status: "gone", dueAt: status === "resolved" ? one.dueAt : null });
      yield* appendEvents(ctx, [conflictEvent("gone", one)]);
      yield* voidEscalation(ctx, one.escalation);
    }
}

/** The event of a conflict, as it stands. */
export function conflictEvent(
  type: "found" | "resolved" | "escalated" | "gone",
  { id, project, run, kind, strategy }: ConflictRecord,
  agent: string = SERVER,
): NewEvent {
  return {
    type: `conflict.${type}`,
    project,
    run,
    agent,
    data: { conflict: id, kind, ...(strategy !== null && { strategy }) },
  };
}
