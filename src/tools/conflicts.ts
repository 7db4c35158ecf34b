import { z } from "zod";
import { CONFLICT_KINDS, CONFLICT_STATUSES, CONFLICT_STRATEGIES } from "../base/statuses.js";
import { findConflicts, recordConflicts } from "../engine/conflicts/detection.js";
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
      role: z.enum(["holds", "waits", "writes", "runs_late", "may_have_edited", "merges"]),
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
    "Looks for agents and tasks that are in each other's way: locks that others wait for, overlapping files of tasks that no dependency orders, cycles of waiting, resources that are short, deadlines that cannot all be met. Returns them; one that was found before keeps its id.",
  area: "conflicts",
  effect: "write",
  words: ["clash", "deadlock", "lock contention", "who waits for whom", "overlapping files"],
  input: z.object({
    run: params.run.optional(),
    project: params.project,
    request_id: params.requestId,
  }),
  output: z.object({ conflicts: z.array(conflict) }),
  async perform(host, { run, project }) {
    const detection = await host.read((ctx) => findConflicts(ctx, { run, project }));
    if (detection === undefined) return { conflicts: [] };
    const found = await host.transact((ctx) => recordConflicts(ctx, detection), "record");
    return { conflicts: found.map(conflictView) };
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

export const conflictOperations = [detect, list] as const;
