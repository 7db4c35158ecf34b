import {
  REVIEW_TIERS,
  SEVERITIES,
  STEP_KINDS,
  VERDICTS,
  LINK_KINDS,
  LOCK_MODES,
  LOCK_STATES,
  MILESTONE_STATUSES,
  PRIORITY_NAMES,
  RUN_KINDS,
  RUN_STATUSES,
  TASK_STATUSES,
  type TaskStatus,
} from "../base/statuses.js";
import { z } from "zod";

/** The shapes of answers that several operations share (spec 04). */
const data = z.record(z.string(), z.unknown());
export const instant = z.string();
export const count = z.int().min(0);

export const taskStatus = z.enum(TASK_STATUSES);

export const runStatus = z.enum(RUN_STATUSES);

export const priority = z.enum(PRIORITY_NAMES);

const taskLineFields = {
  id: z.string(),
  key: z.string(),
  run: z.string(),
  title: z.string(),
  /** The author of its texts, which are data from another agent or person. */
  from: z.string().optional(),
  kind: z.enum(STEP_KINDS),
  status: taskStatus,
  priority,
  role: z.string().optional(),
  agent: z.string().optional(),
  percent: z.int().optional(),
  reserved_for: z.string().optional(),
  reserved_until: instant.optional(),
  /** Attempts that failed. */
  failures: z.int().optional(),
  retry_at: instant.optional(),
  until: instant.optional(),
} as const;
export const taskLine = z.object(taskLineFields);

/** With the silence of its holder. */
export const heldLine = z.object({ ...taskLineFields, silent_since: instant.optional() });

export const waitingLine = z.object({ ...taskLineFields, child_run: z.string().optional() });

/** A failed task that is tried again, with the error of its last attempt and the agent of that. */
export const retryingLine = z.object({ ...taskLineFields, after: z.string().optional(), by: z.string().optional() });

/** A pending task with the dependencies that it still needs. */
export const pendingLine = z.object({
  ...taskLineFields,
  needs: z.array(z.string()).readonly(),
  needs_more: z.int().optional(),
});

export const reason = z.object({ kind: z.string(), detail: z.string(), blocking: z.array(z.string()).readonly() });
export const reasons = z.array(reason).readonly();
/** A ready task; of one that no agent can claim now, why. */
export const readyLine = taskLine.extend({ claimable: z.literal(false).optional(), reasons: reasons.optional() });
export const blockedLine = z.object({ task: taskLine, reasons });

export const taskView = z.object({
  ...taskLineFields,
  project: z.string(),
  phase: z.string().optional(),
  attempt: z.int(),
  failures: z.int(),
  trigger: z.string(),
  dependencies: z.object({ total: z.int(), succeeded: z.int(), failed: z.int(), skipped: z.int() }),
  dependents: z.int(),
  estimate_ms: z.int(),
  created_at: instant,
  ready_at: instant.nullable(),
  started_at: instant.nullable(),
  ended_at: instant.nullable(),
  losses: z.int().optional(),
  orders: z.string().optional(),
  reasons: reasons.optional(),
});

export const milestone = z.object({
  name: z.string(),
  status: z.enum(MILESTONE_STATUSES),
  overdue: z.boolean(),
  due_at: instant.nullable(),
  done: count,
  links: count,
  waits_for: z.array(z.object({ kind: z.enum(LINK_KINDS), id: z.string(), name: z.string() })),
  note: z.string().optional(),
  completed_at: instant.nullable().optional(),
  completed_by: z.string().nullable().optional(),
});

export const counts = z.object({
  total: count,
  ...(Object.fromEntries(TASK_STATUSES.map((status) => [status, count])) as Record<TaskStatus, typeof count>),
});

export const run = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(RUN_KINDS),
  project: z.string(),
  status: runStatus,
  revision: z.int(),
  progress: z.number(),
  counts,
  priority,
  max_parallel: z.int(),
  mode: z.string().optional(),
  workflow: z.string().optional(),
  workflow_version: z.int().nullable().optional(),
  deadline: instant.optional(),
  reason: z.string().optional(),
  parent: z.object({ run: z.string().nullable(), task: z.string() }).optional(),
  on_failure: z.string().optional(),
  stage: z.string().optional(),
  inputs: data,
  created_by: z.string(),
  created_at: instant,
  ended_at: instant.optional(),
  success_rate: z.number().nullable().optional(),
  duration_ms: z.int().optional(),
});

/** Every answer that is a page of a list has these. */
export const nextPage = { next_cursor: z.string().optional() } as const;

/** Amounts in US dollars. */
export const budget = z.object({
  scope: z.enum(["run", "project", "agent", "global"]),
  /** The id or name of what it covers. */
  run: z.string().optional(),
  project: z.string().optional(),
  agent: z.string().optional(),
  limit: z.number(),
  spent: z.number(),
  remaining: z.number(),
  state: z.enum(["ok", "warn", "blocked"]),
});

/** Cost of usage in US dollars, and its tokens: each is counted in one of the four. */
export const costs = {
  cost: z.number(),
  /** The part of the cost that is estimated by list prices, by a client or here; no bill says it. */
  list_price_estimate: z.number().optional(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cached_tokens: z.int(),
  cache_write_tokens: z.int(),
  records: z.int(),
  unpriced: z.int().optional(),
  last_at: z.string().optional(),
} as const;

export const runLine = z.object({ id: z.string(), name: z.string(), status: runStatus, progress: z.number() });

/** A call to make next. */
export const call = z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()) });

/** The longest wait of a call, in answers to one that was asked to wait longer and found nothing. */
export const waitBound = { wait_seconds_max: z.number().optional() } as const;

/** How many tasks of each state an answer leaves out, and the call that lists them. */
export const more = z.array(
  z.object({
    status: taskStatus,
    count,
    next: call,
  }),
);

/** Fields of a change of a task with its consequences. */
export const change = {
  task: taskLine,
  newly_ready: z.array(taskLine),
  /** The same list, under the name that other answers give it. */
  ready: z.array(taskLine),
  more: more.optional(),
  run: runLine.extend({ ready: count }),
} as const;

/** Messages that wait for the agent of a call; absent where none does. read_messages returns them. */
export const waitingMessages = z.object({ waiting: count, from: z.array(z.string()).readonly() }).optional();

export const lease = z.object({
  token: z.int(),
  expires_at: instant,
  silent_at: instant.optional(),
  renews: z.string(),
});

export const lockLine = z.object({
  path: z.string(),
  mode: z.enum(LOCK_MODES),
  token: z.int(),
  expires_at: instant.nullable(),
});

/** A lock of another agent on files that an agent names. */
export const lockConflict = z.object({
  path: z.string(),
  held_by: z.string(),
  task: z.string().optional(),
  state: z.enum(LOCK_STATES),
  mode: z.enum(LOCK_MODES),
  since: instant,
  expires_at: instant.nullable(),
  reason: z.string().optional(),
  locked_path: z.string().optional(),
  locks: z.int().optional(),
  locked_paths: z.array(z.string()).readonly().optional(),
  silent_since: instant.optional(),
});

export const attemptError = z.object({ type: z.string(), message: z.string(), stack: z.string().optional() });

export const attempt = z.object({
  number: z.int(),
  agent: z.string(),
  outcome: z.string(),
  started_at: instant,
  ended_at: instant,
  duration_ms: z.int(),
  error: attemptError.optional(),
  usage: data.optional(),
  note: z.string().optional(),
});

/** A fault, or a remark, of a reviewer. */
export const finding = z.object({
  severity: z.enum(SEVERITIES),
  what: z.string(),
  where: z.string().optional(),
  suggestion: z.string().optional(),
});

/** A review; `agent` is its reviewer, who wrote the critique and the findings. */
export const review = z.object({
  id: z.string(),
  round: z.int(),
  tier: z.enum(REVIEW_TIERS),
  role: z.string().optional(),
  requested_at: instant,
  /** The artifact with the diff. */
  diff: z.string().optional(),
  no_diff: z.string().optional(),
  verdict: z.enum(VERDICTS).optional(),
  agent: z.string().optional(),
  critique: z.string().optional(),
  findings: z.array(finding),
  decided_at: instant.optional(),
});

export const event = z.object({
  seq: z.int(),
  at: instant,
  type: z.string(),
  project: z.string().optional(),
  run: z.string().optional(),
  task: z.string().optional(),
  agent: z.string().optional(),
  data,
});
