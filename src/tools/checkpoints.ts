import { CHECKPOINT_KINDS, STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAgent } from "../engine/agents/agents.js";
import {
  checkpointView,
  listCheckpointPage,
  openCheckpoint,
  packRun,
  requireCheckpoint,
  storeCheckpoint,
} from "../engine/checkpoints/checkpoints.js";
import type { EngineContext } from "../engine/context.js";
import { forkRun } from "../engine/checkpoints/fork.js";
import type { ResumedRun } from "../engine/checkpoints/restored-run.js";
import { markWindows, type WindowMark } from "../engine/snapshots/context-windows.js";
import { resumeInPlace, type Resuming } from "../engine/checkpoints/resume.js";
import { taskLine } from "../engine/tasks/views.js";
import { runView } from "../engine/runs/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const stateCounts = z.record(z.string(), z.int());

const checkpointFields = {
  id: z.string(),
  run: z.string(),
  kind: z.enum(CHECKPOINT_KINDS),
  label: z.string().optional(),
  taken_at: shapes.instant,
  created_by: z.string(),
  run_status: shapes.runStatus,
  tasks: z.int(),
  counts: stateCounts,
  size_bytes: z.int(),
} as const;

const create = defineOperation({
  name: "create_checkpoint",
  title: "Create a checkpoint",
  description:
    "Saves the state of a run, to go back to later with resume_from_checkpoint; work under way is not interrupted. Runs that change get one automatically every few minutes, and before gate and human steps and new phases.",
  area: "checkpoints",
  effect: "write",
  input: z.object({
    run: params.run,
    label: z.string().min(1).max(200).optional().describe("Label in list_checkpoints."),
    ...params.acting,
  }),
  output: z.object({ checkpoint: z.object(checkpointFields), removed: z.array(z.string()) }),
  async perform(host, { run, label = null, agent }) {
    const packed = await packRun(host, run);
    return host.transact(function* (ctx) {
      const acting = yield* actingAgent(ctx, agent);
      const taken = yield* storeCheckpoint(ctx, packed, { kind: "manual", label, by: acting.name });
      return { checkpoint: checkpointView(taken.checkpoint), removed: [...taken.removed] };
    }, "keep");
  },
});

const list = defineOperation({
  name: "list_checkpoints",
  title: "List checkpoints",
  description:
    "Lists a run's checkpoints, newest first: label, size, tasks by state then, and what has changed since: tasks added, attempts started, states, and the cursor from which list_events shows the rest.",
  area: "checkpoints",
  effect: "read",
  input: z.object({ run: params.run, ...params.paging }),
  output: z.object({
    checkpoints: z.array(
      z.object({
        ...checkpointFields,
        since: z.object({ tasks_added: z.int(), attempts: z.int(), counts: stateCounts, cursor: z.string() }),
      }),
    ),
    ...shapes.nextPage,
  }),
  run: (_ctx, input) => listCheckpointPage(input),
});

const SHOWN_MAX = 50;

const resume = defineOperation({
  name: "resume_from_checkpoint",
  title: "Go back to a checkpoint",
  description:
    "Restores a run. in_place resets the run: work under way is fenced off, later results no longer count, the history stays. fork starts a new run from there and leaves the old one unchanged. Files and commits are not reverted. Returns the run, and its ready tasks.",
  area: "checkpoints",
  effect: "destructive",
  permission: STEERING_ROLES,
  quota: "tasks",
  input: z.object({
    checkpoint: z.string().min(1).max(300).describe("From list_checkpoints."),
    as: z.enum(["in_place", "fork"]).default("in_place"),
    ...params.acting,
  }),
  output: z.object({
    as: z.enum(["in_place", "fork"]),
    checkpoint: z.object(checkpointFields),
    run: shapes.run,
    ready: z.array(shapes.taskLine),
    fenced: z.array(z.object({ task: z.string(), key: z.string(), agent: z.string(), token: z.int() })).optional(),
    fenced_total: z.int().optional(),
    restored: z.int().optional(),
    superseded: z.int().optional(),
    dropped_signals: z.int().optional(),
    carried_results: z.int().optional(),
    /** Windows of its tasks as they were at the checkpoint. */
    context_windows: z
      .array(
        z.object({
          window: z.string(),
          agent: z.string(),
          name: z.string(),
          messages: z.int(),
          tokens: z.int(),
          hash: z.string(),
          changed: z.boolean(),
        }),
      )
      .optional(),
    /** The brief as it was then: get_brief {checkpoint} has its text. */
    brief: z.object({ hash: z.string(), tokens: z.int() }).optional(),
    notes: z.array(z.string()),
  }),
  async perform(host, { checkpoint: id, as, agent }) {
    const stored = await host.read(() => requireCheckpoint(id));
    const snapshot = await openCheckpoint(stored);
    const { checkpoint } = stored;
    return host.transact(function* (ctx) {
      const acting = yield* actingAgent(ctx, agent);
      const answer = as === "fork" ? forked : resumed;
      const windows = yield* windowsSince(checkpoint.run, snapshot.windows ?? []);
      return {
        as,
        checkpoint: checkpointView(checkpoint),
        ...(windows.length > 0 && { context_windows: windows }),
        ...(snapshot.brief && { brief: { hash: snapshot.brief.hash, tokens: snapshot.brief.tokens } }),
        ...(yield* answer(ctx, { checkpoint, snapshot, agent: acting.name })),
      };
    }, "resume");
  },
});

/** Context windows are what agents know, which no checkpoint takes back: it tells whether they have changed since. */
function* windowsSince(run: string, marks: readonly WindowMark[]) {
  if (marks.length === 0) return [];
  const now = new Map((yield* markWindows(run)).map(({ window, hash }) => [window, hash]));
  return marks.map((mark) => ({ ...mark, changed: now.get(mark.window) !== mark.hash }));
}

function* resumed(ctx: EngineContext, resuming: Resuming) {
  const result = yield* resumeInPlace(ctx, resuming);
  const { fenced, restored, superseded, droppedSignals } = result;
  const notes = notesOn(result);
  if (droppedSignals > 0)
    notes.push(
      `${droppedSignals} events that came after the checkpoint were kept for wait steps, and are kept no longer.`,
    );
  return {
    ...resumedView(result),
    fenced: fenced.slice(0, SHOWN_MAX).map((one) => ({ ...one })),
    fenced_total: fenced.length,
    restored,
    superseded,
    dropped_signals: droppedSignals,
    notes,
  };
}

function* forked(ctx: EngineContext, resuming: Resuming) {
  const result = yield* forkRun(ctx, resuming);
  return { ...resumedView(result), carried_results: result.carried, notes: notesOn(result) };
}

function resumedView({ run, counters, ready }: ResumedRun) {
  return { run: runView(run, counters), ready: ready.slice(0, SHOWN_MAX).map(taskLine) };
}

/** Notes on what keeps the run from going on by itself. */
function notesOn({ run }: ResumedRun): string[] {
  if (run.status === "paused")
    return [
      `The run was paused at the checkpoint, and is now: control_run {run: "${run.id}", action: "resume"} lets it go on.`,
    ];
  if (run.endedAt !== null) return [`The run had ended at the checkpoint (${run.status}), and so it stands now.`];
  return [];
}

export const checkpointOperations = [create, list, resume] as const;
