import { z } from "zod";
import { BatonError, callOperation } from "../base/errors.js";
import { iso } from "../base/time.js";
import { openConflicts, proposedFor, resolveConflict, setConflictStrategy } from "../engine/conflicts/resolution.js";
import { CONFLICT_KINDS, CONFLICT_ROLES, CONFLICT_STATUSES, CONFLICT_STRATEGIES } from "../base/statuses.js";
import { recordConflicts } from "../engine/conflicts/detection.js";
import { lookForConflicts } from "../engine/conflicts/git/questions.js";
import { listConflictPage } from "../engine/conflicts/listing.js";
import { conflictView } from "../engine/conflicts/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, nextPage } from "../dispatch/shapes.js";

const strategy = z.enum(CONFLICT_STRATEGIES);

const conflict = z.object({
  id: z.string(),
  kind: z.enum(CONFLICT_KINDS),
  project: z.string(),
  run: z.string().optional(),
  status: z.enum(CONFLICT_STATUSES),
  parties: z.array(
    z.object({
      role: z.enum(CONFLICT_ROLES),
      task: z.string().optional(),
      key: z.string().optional(),
      agent: z.string().optional(),
      paths: z.array(z.string()).readonly().optional(),
      allocation: z.string().optional(),
      commit: z.string().optional(),
    }),
  ),
  detail: z.string(),
  found_at: instant,
  seen_at: instant,
  strategy: strategy.optional(),
  decision: z.string().optional(),
  reason: z.string().optional(),
  alternatives: z.array(z.string()).readonly().optional(),
  decided_by: z.string().optional(),
  decided_at: instant.optional(),
  outcome: z.object({ expected_ms: count, elapsed_ms: count }).optional(),
  escalation: z.string().optional(),
});

const detect = defineOperation({
  name: "detect_conflicts",
  title: "Detect conflicts",
  description:
    "Looks for agents and tasks that are in each other's way: locks that others wait for, overlapping files of tasks that no dependency orders, cycles of waiting, resources that are short, deadlines that cannot all be met, files edited without a lock (asks git). Returns them, and kinds that were left out; one that was found before keeps its id.",
  area: "conflicts",
  effect: "write",
  words: ["clash", "deadlock", "lock contention", "who waits for whom", "overlapping files", "edits without a lock"],
  needs: ["files"],
  input: z.object({
    run: params.run.optional(),
    project: params.project,
    request_id: params.requestId,
  }),
  output: z.object({
    conflicts: z.array(conflict),
    left_out: z.array(z.object({ kind: z.enum(CONFLICT_KINDS), why: z.string() })).optional(),
  }),
  async perform(host, { run, project }) {
    const detection = await lookForConflicts(host, { run, project }, host.files);
    if (detection === undefined) return { conflicts: [] };
    const found = await host.transact((ctx) => recordConflicts(ctx, detection), "record");
    const { leftOut } = detection;
    return { conflicts: found.map(conflictView), ...(leftOut.length > 0 && { left_out: [...leftOut] }) };
  },
});

const list = defineOperation({
  name: "list_conflicts",
  title: "List conflicts",
  description:
    "Lists the conflicts that were found, newest first: who is in whose way, how each was resolved and why, what else was possible, and how long it took until its tasks had ended.",
  area: "conflicts",
  effect: "read",
  aliases: ["get_conflict_history"],
  words: ["conflict history", "resolutions"],
  input: z.object({
    run: params.run.optional(),
    project: params.project,
    status: z.enum(CONFLICT_STATUSES).optional(),
    kind: z.enum(CONFLICT_KINDS).optional(),
    ...params.paging,
  }),
  output: z.object({ conflicts: z.array(conflict), ...nextPage }),
  *run(ctx, input) {
    const { page, next } = yield* listConflictPage(ctx, input);
    return { conflicts: page.map(conflictView), ...next };
  },
});

const resolve = defineOperation({
  name: "resolve_conflicts",
  title: "Resolve conflicts",
  description:
    "Resolves conflicts by a strategy: puts tasks in order, raises what goes first, changes the order of waiting, moves reservations, or asks a holder to give way. Returns what was decided and why, and what no strategy resolves; dry_run only says.",
  area: "conflicts",
  effect: "write",
  words: ["deadlock", "preempt", "who goes first"],
  example: { all: true, strategy: "prioritize_critical" },
  input: z.object({
    conflicts: z.array(z.string().min(1).max(100)).min(1).max(50).optional().describe("Ids, from detect_conflicts."),
    all: z.boolean().optional().describe("All open ones of the run or project."),
    strategy: strategy.optional().describe("Default: the one set for the kind or the project."),
    run: params.run.optional(),
    project: params.project,
    dry_run: z.boolean().default(false),
    ...params.acting,
  }),
  output: z.object({
    resolved: z.array(
      z.object({
        id: z.string(),
        strategy,
        decision: z.string(),
        reason: z.string(),
        alternatives: z.array(z.string()).readonly(),
      }),
    ),
    unresolved: z.array(z.object({ id: z.string(), why: z.string() })),
    escalated: z.array(z.string()),
  }),
  async perform(host, { conflicts: ids, all, strategy: wanted, run, project, dry_run, agent }) {
    if ((ids === undefined) === (all !== true)) throw whichConflicts();
    const open = await host.read((ctx) => openConflicts(ctx, { ids, run, project }));
    const resolved = [];
    const unresolved: { id: string; why: string }[] = [];
    for (const one of open) {
      const { id } = one;
      const done = dry_run
        ? await host.read((ctx) => proposedFor(ctx, one, wanted))
        : await unlessRefused(() => host.transact((ctx) => resolveConflict(ctx, { id, strategy: wanted, agent }), id));
      if (typeof done === "string") unresolved.push({ id, why: done });
      else {
        const { strategy: by, decision, reason, alternatives } = done;
        resolved.push({ id, strategy: by, decision, reason, alternatives });
      }
    }
    const escalated = open.filter(({ status }) => status === "escalated").map(({ id }) => id);
    return { resolved, unresolved, escalated: escalated.filter((id) => unresolved.some((left) => left.id === id)) };
  },
});

function whichConflicts(): BatonError {
  const message = "Name the conflicts, from detect_conflicts, or pass all: true. Nothing was changed.";
  return new BatonError("invalid_input", message, {
    details: { path: "conflicts" },
    next: [callOperation("list_conflicts", {})],
  });
}

/** Returns what a change of a run refuses as the reason why a conflict stays: the others are resolved all the same. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    const isRefused =
      error instanceof BatonError && (error.code === "invalid_input" || error.code === "invalid_transition");
    if (!isRefused) throw error;
    return error.message;
  }
}

const setStrategy = defineOperation({
  name: "set_conflict_strategy",
  title: "Set the conflict strategy",
  description:
    "Sets how conflicts are resolved where a call names no strategy: of a project, or of a kind of conflict; the kind goes before the project. adaptive learns from what came of earlier ones. Returns what holds from now on.",
  area: "conflicts",
  effect: "write",
  example: { strategy: "prioritize_critical" },
  input: z.object({
    strategy,
    scope: z.enum(["project", ...CONFLICT_KINDS]).default("project"),
    project: params.project,
    ...params.acting,
  }),
  output: z.object({ scope: z.string(), strategy, set_by: z.string(), set_at: instant }),
  *run(ctx, input) {
    const { scope, setBy, setAt, ...set } = yield* setConflictStrategy(ctx, input);
    return { scope, strategy: set.strategy, set_by: setBy, set_at: iso(setAt) };
  },
});

export const conflictOperations = [detect, list, resolve, setStrategy] as const;
