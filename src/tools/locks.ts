import { LOCK_KINDS, LOCK_MODES, LOCK_STATES } from "../base/statuses.js";
import { posix } from "node:path";
import { z } from "zod";
import { BatonError } from "../base/errors.js";
import type { Tx, TxResult } from "../store/tx.js";
import type { EngineContext } from "../engine/context.js";
import {
  type AcquireRequest,
  acquireFileLock,
  checkFileLock,
  isInLine,
  leaveLine,
  listFileLocks,
  releaseFileLock,
  rootOfPaths,
} from "../engine/locks/locks.js";
import { tellOfLocks } from "../engine/channels/lock-notices.js";
import type { Acquired } from "../engine/locks/decision.js";
import { defineOperation, type HostWith } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";
import { shownLine } from "../base/texts/shown-text.js";
import { afterwards, noteOf, noteOfWideLocks } from "./notes.js";

const TTL_SECONDS_MAX = 7 * 86_400;
const WAIT_SECONDS_MAX = 600;

const mode = z.enum(LOCK_MODES);
const paths = z.array(z.string()).min(1);

const served = z.array(z.object({ agent: z.string(), paths: z.array(z.string()).readonly() })).readonly();

const acquireInput = z.object({
  paths: paths.describe("Files, directories (src/api/) or globs (src/**/*.ts) below the project root."),
  mode: mode.default("exclusive"),
  task: params.task.optional(),
  ttl_seconds: z.number().min(1).max(TTL_SECONDS_MAX).default(1800),
  wait_seconds: z.number().min(0).max(WAIT_SECONDS_MAX).default(0).describe("Queue this long."),
  reason: z.string().max(500).optional(),
  ...params.acting,
  project: params.project,
});
type AcquireInput = z.output<typeof acquireInput>;

const acquireLock = defineOperation({
  name: "acquire_file_lock",
  title: "Lock files",
  description:
    "Locks files before you edit, all or none; claim_task locks a task's declared files. Returns granted, denied or queued (by whom, until when) or deadlock (the cycle). intent: no one waits, all are told. Again: renews.",
  area: "locks",
  effect: "write",
  quota: "locks",
  listed: true,
  inLoop: true,
  aliases: ["acquire_lock", "lock_files"],
  words: ["reserve a file before an edit"],
  example: { paths: ["src/api/", "package.json"], reason: "…" },
  input: acquireInput,
  output: z.object({
    note: z.string().optional(),
    outcome: z.enum(["granted", "queued", "denied", "deadlock"]),
    locks: z.array(shapes.lockLine).readonly(),
    conflicts: z.array(shapes.lockConflict).readonly(),
    conflicts_total: z.int(),
    position: z.int().optional(),
    kept_until: shapes.instant.optional(),
    ...shapes.waitBound,
    cycle: z
      .array(z.object({ agent: z.string(), task: z.string().nullable() }))
      .readonly()
      .optional(),
  }),
  needs: ["files"],
  async perform(host, written) {
    const input = await withRealPaths(host, written);
    const first = await host.transact((ctx) => acquire(ctx, requestOf(ctx, input)), "ask");
    const place = first.outcome === "queued" ? first.request : null;
    if (place === null)
      return {
        ...noteOf([preemptedNote(first), first.shared === true ? SHARED : undefined, besideNote(first)]),
        ...answerOf(first),
      };
    await host.waitFor(async () => ((await host.read(() => isInLine(place))) ? undefined : true), input.wait_seconds);
    if (host.signal.aborted) {
      await host.transact((ctx) => leaveLine(ctx, place), "leave");
      return answerOf(first);
    }
    const last = await host.transact((ctx) => acquire(ctx, requestOf(ctx, input, place)), "end");
    if (last.outcome === "queued")
      return { ...noteOf([preemptedNote(last)]), ...answerOf(last), ...(await host.waitBound(input.wait_seconds)) };
    const left = last.outcome === "granted" ? await uncommittedNote(host, input, LEFT_BEHIND) : {};
    return { ...noteOf([preemptedNote(last), left.note, besideNote(last)]), ...answerOf(last) };
  },
});

/** Locks, and tells the agents whose locks are met. */
function* acquire(ctx: EngineContext, request: AcquireRequest): Tx<Acquired> {
  const acquired = yield* acquireFileLock(ctx, request);
  const { agent = ctx.caller.agent } = request;
  const { project, locks = [] } = acquired.met ?? {};
  if (project !== undefined) yield* tellOfLocks(ctx, { project, agent, met: locks });
  return acquired;
}

function preemptedNote({ preempted }: Acquired): string | undefined {
  if (preempted === undefined) return undefined;
  return `Your task ${preempted} is asked to give way to another (preempted): begin no new edits, leave its files in a state others can use, and call release_task.`;
}

function besideNote({ outcome, conflicts, keptOut: [kept] = [] }: Acquired): string | undefined {
  if (outcome !== "granted" || conflicts.length === 0) return undefined;
  if (kept === undefined) return BESIDE;
  const path = shownLine(kept.locked_path ?? kept.path);
  return `Do not edit ${path}: ${kept.held_by} locked it before your intent, and has been told of it. To wait for the file: acquire_file_lock with mode exclusive and wait_seconds.`;
}

const LEFT_BEHIND =
  "Unless they are yours, another agent has left them unfinished: keep them, and leave them out of your commits.";
const HANDED_ON =
  "The next holder has them before it now. If they are unfinished, acquire_file_lock again before you go on.";

/** A note that names changes in no commit, for the moment in which files pass from one agent to another. */
async function uncommittedNote(
  host: HostWith<"files">,
  request: { readonly paths?: readonly string[] | undefined } & Parameters<typeof rootOfPaths>[1],
  sentence: string,
): Promise<{ readonly note?: string }> {
  const root = (await host.read((ctx) => rootOfPaths(ctx, request)))?.root;
  const files = root === undefined ? [] : await host.files.uncommitted(root, request.paths ?? []);
  if (files.length === 0) return {};
  const more = files.length - FILES_NAMED_MAX;
  const named = `${files.slice(0, FILES_NAMED_MAX).map(shownLine).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  return { note: `Not committed: ${named}. ${sentence}` };
}
const FILES_NAMED_MAX = 5;

/**
 * Makes the paths of a request real as far as they exist, before the transaction, which may not touch the disk: links are
 * resolved, and a directory is known as one. Errors: `invalid_input` for a path that leaves the root, or is another worktree's.
 */
async function withRealPaths<T extends { readonly paths?: readonly string[] | undefined }>(
  host: HostWith<"files">,
  input: T & Parameters<typeof rootOfPaths>[1],
): Promise<T> {
  const { paths: written } = input;
  if (written === undefined) return input;
  const root = await host.read((ctx) => rootOfPaths(ctx, input));
  if (root === undefined) return input;
  const real = written.map((one) => host.files.pathOnDisk(root, one).normalize("NFC"));
  return { ...input, ...(inNestedProject(root, real) ?? { paths: real }) };
}

/**
 * A file belongs to the project with the nearest root, whatever project it was named in, so that it has one lock. Undefined where
 * that is the project itself. Errors: `invalid_input` for files of several projects.
 */
function inNestedProject(
  { root, inner }: NonNullable<TxResult<ReturnType<typeof rootOfPaths>>>,
  real: readonly string[],
): { project: string; paths: string[] } | undefined {
  const below = inner.map((project) => ({
    ...project,
    prefix: `${posix.relative(root, project.root ?? root)}/`.normalize("NFC"),
  }));
  const ownerOf = (path: string) =>
    below
      .filter(({ prefix }) => `${path}/`.startsWith(prefix))
      .reduce<(typeof below)[number] | undefined>(
        (a, b) => (a && a.prefix.length >= b.prefix.length ? a : b),
        undefined,
      );
  const [owner, ...others] = [...new Set(real.map(ownerOf))];
  if (others.length > 0) {
    const names = [owner, ...others].flatMap((one) => (one === undefined ? [] : [`"${one.name}" (${one.prefix})`]));
    const message = `The paths belong to several projects: ${names.join(", ")} inside of ${root}. Lock each project's files in a call of its own.`;
    throw new BatonError("invalid_input", message, { details: { root, projects: names } });
  }
  if (owner === undefined) return undefined;
  return { project: owner.id, paths: real.map((path) => path.slice(owner.prefix.length) || "./") };
}

/** `place`: the id of the request that has waited in line. */
function requestOf(ctx: EngineContext, input: AcquireInput, place?: string): AcquireRequest {
  const { ttl_seconds: ttl, wait_seconds: seconds, request_id: _, ...wanted } = input;
  const waitMs = Math.min(seconds * 1000, ctx.settings.wait_max_with_progress_ms);
  return {
    ...wanted,
    // One millisecond more tells a lock that its caller was answered about from one that a release has just granted.
    ttlMs: Math.round(ttl * 1000) + (place === undefined ? 0 : 1),
    wait: waitMs <= 0 ? { kind: "none" } : waitOf(Math.ceil(waitMs), place),
  };
}

function waitOf(ms: number, place: string | undefined): AcquireRequest["wait"] {
  return place === undefined ? { kind: "for", ms } : { kind: "over", request: place };
}

const BESIDE =
  "Others are at work on these files, and neither waits: they have been told. Read the files again before you write, and commit small.";
const SHARED =
  'You held some of these already. If that was not you but another agent on this connection, it shares your handle: pass one of your own in every call, {"agent": "YOUR-NAME"}.';

/** The engine's decision without the id of the place, which callers never name. */
function answerOf(acquired: Acquired) {
  const { request: _, shared: __, met: ___, keptOut: ____, preempted: _____, ...answer } = acquired;
  return answer;
}

const release = defineOperation({
  name: "release_file_lock",
  title: "Release files",
  description:
    "Releases locks you hold and withdraws waiting requests; ending a task does so by itself. Returns the released paths and who got them.",
  area: "locks",
  effect: "write",
  quota: "nothing",
  listed: true,
  aliases: ["release_lock", "unlock_files"],
  example: { paths: ["src/api/"] },
  input: z.object({
    paths: paths.optional(),
    all: z.boolean().optional().describe("Everything you hold in the project."),
    task: params.task.optional().describe("From claim_task: only its locks."),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({
    note: z.string().optional(),
    released: z.array(z.string()).readonly(),
    withdrawn: z.array(z.string()).readonly(),
    not_held: z.array(z.string()).readonly(),
    granted: served,
    offered: served,
  }),
  needs: ["files"],
  perform: async (host, written) => {
    const input = await withRealPaths(host, written);
    const { freed, ...done } = await host.transact((ctx) => releaseFileLock(ctx, input));
    const wide = await afterwards(noteOfWideLocks(host, input, freed));
    if (done.granted.length + done.offered.length === 0) return { ...noteOf([wide]), ...done };
    const left = await uncommittedNote(host, { ...input, paths: done.released }, HANDED_ON);
    return { ...noteOf([left.note, wide]), ...done };
  },
});

const list = defineOperation({
  name: "list_file_locks",
  title: "List file locks",
  description:
    "Lists which agent holds or waits for which files, and until when. With path: only locks that overlap it.",
  area: "locks",
  effect: "read",
  aliases: ["list_locks"],
  words: ["what do I hold", "who holds a file", "held files", "my locks"],
  input: z.object({
    path: z.string().optional().describe("A file, directory or glob."),
    agent: params.agent.describe("Only this agent's."),
    run: params.run.optional(),
    project: params.project,
    ...params.paging,
  }),
  output: z.object({
    locks: z.array(
      z.object({
        id: z.string(),
        path: z.string(),
        kind: z.enum(LOCK_KINDS),
        mode,
        state: z.enum(LOCK_STATES),
        agent: z.string(),
        silent_since: shapes.instant.optional(),
        task: z.string().optional(),
        run: z.string().optional(),
        token: z.int().optional(),
        since: shapes.instant,
        expires_at: shapes.instant.nullable(),
        reason: z.string().optional(),
      }),
    ),
    ...shapes.nextPage,
  }),
  needs: ["files"],
  perform: async (host, { path, ...query }) => {
    const {
      project,
      paths: [real],
    } = await withRealPaths(host, { project: query.project, paths: path === undefined ? [] : [path] });
    return host.read((ctx) => listFileLocks(ctx, { ...query, project, path: real }));
  },
});

const check = defineOperation({
  name: "check_file_lock",
  title: "Check a file before an edit",
  description:
    "Checks whether an edit of a file by an agent would violate another agent's lock; for hooks that run before an edit. Returns allowed, or who holds it until when.",
  area: "locks",
  effect: "read",
  words: ["may I edit", "is a file locked"],
  input: z.object({ path: z.string(), agent: params.agent, project: params.project }),
  output: z.object({
    allowed: z.boolean(),
    held_by: z.array(shapes.lockConflict),
    /** Locks of others that keep the agent from no edit. */
    beside: z.array(shapes.lockConflict).optional(),
  }),
  needs: ["files"],
  perform: async (host, { path, ...query }) => {
    const {
      project,
      paths: [real],
    } = await withRealPaths(host, { project: query.project, paths: [path] });
    return host.read((ctx) => checkFileLock(ctx, { ...query, project, path: real }));
  },
});

export const lockOperations = [acquireLock, release, list, check] as const;
