import { z } from "zod";
import { BatonError, callOperation } from "../base/errors.js";
import { defined } from "../base/json.js";
import { iso } from "../base/time.js";
import { setConflictStrategy, setStrategies, type StrategySetting } from "../engine/conflicts/choices.js";
import { openConflicts, proposedFor, RESOLVED_MAX, resolveConflict } from "../engine/conflicts/resolution.js";
import { CONFLICT_KINDS, CONFLICT_ROLES, CONFLICT_STATUSES, CONFLICT_STRATEGIES } from "../base/statuses.js";
import { recordConflicts } from "../engine/conflicts/detection.js";
import { lookForConflicts } from "../engine/conflicts/git/questions.js";
import type { Unplanned } from "../engine/conflicts/plans.js";
import { conflictView, listConflictPage } from "../engine/conflicts/listing.js";
import { waitedPaths } from "../engine/locks/waited-paths.js";
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
      work_tree: z.string().optional(),
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

const setting = z.object({
  scope: z.string(),
  strategy,
  set_by: z.string().optional(),
  set_at: instant.optional(),
});

function settingView({ scope, strategy: set, setBy, setAt }: StrategySetting): z.input<typeof setting> {
  return { scope, strategy: set, ...defined({ set_by: setBy, set_at: setAt === undefined ? undefined : iso(setAt) }) };
}

const detect = defineOperation({
  name: "detect_conflicts",
  title: "Detect conflicts",
  description:
    "Looks for agents and tasks in each other's way: locks others wait for, overlapping files without an order, cycles of waiting, short resources, deadlines that cannot all be met and, in git, edits without a lock and work trees that do not merge. Returns them, kinds left out, and the paths waited for longest; one found before keeps its id.",
  area: "conflicts",
  effect: "write",
  words: [
    "clash",
    "deadlock",
    "lock contention",
    "who waits for whom",
    "overlapping files",
    "edits without a lock",
    "merge conflicts",
  ],
  needs: ["files"],
  input: z.object({
    run: params.run.optional(),
    project: params.project,
    request_id: params.requestId,
  }),
  output: z.object({
    conflicts: z.array(conflict),
    left_out: z.array(z.object({ kind: z.enum(CONFLICT_KINDS), why: z.string() })).optional(),
    waited_for: z.array(z.object({ path: z.string(), waits: count, waited_ms: count })).optional(),
  }),
  async perform(host, { run, project }) {
    const detection = await lookForConflicts(host, { run, project }, host.files);
    if (detection === undefined) return { conflicts: [] };
    const found = await host.transact((ctx) => recordConflicts(ctx, detection), "record");
    const { leftOut } = detection;
    const waited = await host.read((ctx) => waitedPaths(ctx, detection.project.id));
    return {
      conflicts: found.map(conflictView),
      ...(leftOut.length > 0 && { left_out: [...leftOut] }),
      ...(waited.length > 0 && { waited_for: waited }),
    };
  },
});

const list = defineOperation({
  name: "list_conflicts",
  title: "List conflicts",
  description:
    "Lists the conflicts that were found, newest first: who is in whose way, how each was resolved and why, what else was possible, and how long it took until its tasks had ended. Names the strategies that are set.",
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
  output: z.object({ conflicts: z.array(conflict), strategies: z.array(setting).optional(), ...nextPage }),
  *run(ctx, input) {
    const { page, next } = yield* listConflictPage(ctx, input);
    const strategies = input.cursor === undefined ? (yield* setStrategies(ctx, input)).map(settingView) : [];
    return { conflicts: page.map(conflictView), ...(strategies.length > 0 && { strategies }), ...next };
  },
});

const resolve = defineOperation({
  name: "resolve_conflicts",
  title: "Resolve conflicts",
  description:
    "Resolves conflicts by a strategy: puts tasks in order, raises what goes first, changes the order of waiting, moves reservations, asks a holder to give way, or tells who is to rebase. Returns what was decided and why, and what no strategy resolves; dry_run only says.",
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
    unresolved: z.array(
      z.object({
        id: z.string(),
        why: z.string(),
        strategy: strategy.optional(),
        alternatives: z.array(z.string()).readonly().optional(),
      }),
    ),
    escalated: z.array(z.string()),
    note: z.string().optional(),
  }),
  async perform(host, { conflicts: ids, all, strategy: wanted, run, project, dry_run, agent }) {
    if ((ids === undefined) === (all !== true)) throw whichConflicts(ids);
    const named = await host.read((ctx) => openConflicts(ctx, { ids, run, project }));
    const open = named.slice(0, RESOLVED_MAX);
    const note =
      named.length > open.length ? `There are more than these ${open.length}: name those by their ids.` : undefined;
    const resolved = [];
    const unresolved: (Omit<Unplanned, "stands"> & { id: string })[] = [];
    const escalated: string[] = [];
    for (const one of open) {
      const { id } = one;
      const done = dry_run
        ? await host.read((ctx) => proposedFor(ctx, one, wanted))
        : await unlessRefused(() => host.transact((ctx) => resolveConflict(ctx, { id, strategy: wanted, agent }), id));
      if ("why" in done) {
        const { stands, ...why } = done;
        unresolved.push({ id, ...why });
        // A question about what stands in order is void by now.
        if (one.status === "escalated" && (stands !== true || dry_run)) escalated.push(id);
      } else {
        const { strategy: by, decision, reason, alternatives } = done;
        resolved.push({ id, strategy: by, decision, reason, alternatives });
      }
    }
    return { resolved, unresolved, escalated, ...defined({ note }) };
  },
});

function whichConflicts(ids: readonly string[] | undefined): BatonError {
  const which =
    ids === undefined
      ? "Name the conflicts, from detect_conflicts, or pass all: true."
      : "Pass conflicts or all: true, not both.";
  const message = `${which} Nothing was changed.`;
  return new BatonError("invalid_input", message, {
    details: { path: "conflicts" },
    next: [callOperation("list_conflicts", {})],
  });
}

/** Returns what a change of a run refuses as the reason why a conflict stays: the others are resolved all the same. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | Unplanned> {
  try {
    return await work();
  } catch (error) {
    const isRefused =
      error instanceof BatonError && (error.code === "invalid_input" || error.code === "invalid_transition");
    if (!isRefused) throw error;
    return { why: error.message };
  }
}

const setStrategy = defineOperation({
  name: "set_conflict_strategy",
  title: "Set the conflict strategy",
  description:
    "Sets how conflicts are resolved where a call names no strategy: of a project, or of a kind of conflict; the kind goes before the project. adaptive learns from what came of earlier ones; default clears what was set. Returns what holds from now on.",
  area: "conflicts",
  effect: "write",
  example: { strategy: "prioritize_critical" },
  input: z.object({
    strategy: z.enum([...CONFLICT_STRATEGIES, "default"]),
    scope: z.enum(["project", ...CONFLICT_KINDS]).default("project"),
    project: params.project,
    ...params.acting,
  }),
  output: setting,
  *run(ctx, input) {
    return settingView(yield* setConflictStrategy(ctx, input));
  },
});

export const conflictOperations = [detect, list, resolve, setStrategy] as const;
