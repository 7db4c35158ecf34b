/** The states and kinds of things, declared once: for the tables, the state machines, the operations and the command line. */

export const TASK_STATUSES = [
  "pending",
  "ready",
  "running",
  "waiting",
  "in_review",
  "succeeded",
  "skipped",
  "blocked",
  "cancelled",
  "dead_letter",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Roles by which operations say who may call them. A step's role is another matter: a free label. */
export const PERMISSION_ROLES = ["planner", "worker", "reviewer", "lead", "architect", "human", "admin"] as const;
export type PermissionRole = (typeof PERMISSION_ROLES)[number];

/** Roles that stop, change or throw away what others planned. */
export const STEERING_ROLES: readonly PermissionRole[] = ["planner", "lead", "architect", "human", "admin"];

/** Roles that judge the work of others. */
export const REVIEWING_ROLES: readonly PermissionRole[] = ["reviewer", "lead", "architect", "human", "admin"];

/** Roles that decide what a lead decides. */
export const LEADING_ROLES: readonly PermissionRole[] = ["lead", "architect", "human", "admin"];

export const ACCESS_TOKEN_STATUSES = ["active", "expired", "revoked"] as const;
export type AccessTokenStatus = (typeof ACCESS_TOKEN_STATUSES)[number];

export const STEP_KINDS = ["agent", "command", "tool", "human", "gate", "wait", "plan", "workflow"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export const TRIGGER_RULES = ["all_succeeded", "all_done", "one_succeeded", "one_failed", "none_failed"] as const;
export type TriggerRule = (typeof TRIGGER_RULES)[number];

export const ATTEMPT_OUTCOMES = ["succeeded", "failed", "timed_out", "lease_lost", "released", "cancelled"] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** Tiers of roles, the lowest first: each is supervised by the next, the last by a person. */
export const SUPERVISION_TIERS = ["execution", "lead", "architect"] as const;
export type SupervisionTier = (typeof SUPERVISION_TIERS)[number];

/** Outcomes of a validation: nothing major was found, something major, or something critical. */
export const ARTIFACT_VERDICTS = ["passed", "failed", "critical"] as const;

export type ArtifactVerdict = (typeof ARTIFACT_VERDICTS)[number];

export const APPROVAL_STATUSES = ["open", "approved", "approved_with_conditions", "rejected", "void"] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** Tiers of a review: those of roles, then a person. */
export const REVIEW_TIERS = [...SUPERVISION_TIERS, "human"] as const;
export type ReviewTier = (typeof REVIEW_TIERS)[number];

export const VERDICTS = ["approve", "revise", "reject"] as const;
export type ReviewVerdict = (typeof VERDICTS)[number];

/** How much a finding of a review or a check matters, from the least: a major one must be mended, a critical one not be passed on. */
export const SEVERITIES = ["info", "minor", "major", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const PRIORITY_NAMES = ["critical", "high", "normal", "low"] as const;

export const RUN_STATUSES = [
  "planning",
  "running",
  "paused",
  "succeeded",
  "failed",
  "cancelling",
  "cancelled",
  "compensating",
  "compensated",
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const RUN_KINDS = ["workflow", "standing"] as const;

export const RUN_MODES = ["standard", "high_performance", "fault_tolerant", "resource_aware", "adaptive"] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const PROJECT_STATUSES = ["active", "archived"] as const;
export type ProjectStatus = (typeof PROJECT_STATUSES)[number];

export const AGENT_STATUSES = ["active", "unregistered"] as const;

/** Whether an agent is heard of; see the presence machine. */
export const PRESENCES = ["present", "silent", "warned", "yielding", "exempt"] as const;
export type Presence = (typeof PRESENCES)[number];

export const MESSAGE_TYPES = ["question", "answer", "inform", "handoff", "broadcast", "meeting_invite"] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export const HANDOFF_STATUSES = ["requested", "accepted", "declined", "lapsed", "void"] as const;

/** `failed` has used up its attempts; `void` was about a question that was decided before. */
export const DELIVERY_STATUSES = ["pending", "delivered", "failed", "void", "discarded"] as const;

export const MEETING_STATUSES = ["open", "closed"] as const;

export const ESCALATION_TYPES = [
  "gate_approval",
  "budget_override",
  "security_review",
  "error_resolution",
  "ambiguous_requirement",
  "quality_concern",
  "sensitive_data",
] as const;
export type EscalationType = (typeof ESCALATION_TYPES)[number];

/** Tiers that an escalation climbs, lowest first. */
export const ESCALATION_TIERS = ["agent", "lead", "human"] as const;
export type EscalationTier = (typeof ESCALATION_TIERS)[number];

/** Paused: its time is over and it may still be decided. Retry is decided by default alone; void: its task does not wait any more. */
export const ESCALATION_STATUSES = [
  "open",
  "paused",
  "approved",
  "approved_with_conditions",
  "rejected",
  "retry",
  "void",
] as const;
export type EscalationStatus = (typeof ESCALATION_STATUSES)[number];

/** States of a circuit breaker: half open while a trial tells whether its target works again. */
export const BREAKER_STATES = ["closed", "open", "half_open"] as const;

/** Failures that are reported. */
export const FAILURE_TYPES = [
  "agent_unresponsive",
  "agent_crashed",
  "task_timeout",
  "resource_exhausted",
  "dependency_failed",
  "server_unavailable",
] as const;
export type FailureType = (typeof FAILURE_TYPES)[number];
export const FAILURE_SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type FailureSeverity = (typeof FAILURE_SEVERITIES)[number];

export const MILESTONE_STATUSES = ["open", "completed"] as const;

/** A schedule, for starts that were missed because no process ran: none of them, one run for all, or a run for each. */
export const MISSED_POLICIES = ["skip", "once", "all"] as const;
export type MissedPolicy = (typeof MISSED_POLICIES)[number];

export const LINK_KINDS = ["run", "task", "workflow"] as const;

export const CHECKPOINT_KINDS = ["manual", "interval", "gate", "phase"] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

export const DEAD_LETTER_STATUSES = ["pending", "replayed", "resolved", "discarded"] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];

/** An intent keeps no one out: it and the locks that it meets are told to each other's agents. */
export const LOCK_MODES = ["exclusive", "shared", "intent"] as const;
export type LockMode = (typeof LOCK_MODES)[number];

export const LOCK_KINDS = ["file", "directory", "glob"] as const;
export type LockKind = (typeof LOCK_KINDS)[number];

export const LOCK_STATES = ["held", "offered", "queued"] as const;

/** The effect of a failed task on the rest of its run. */
export const ON_FAILURE = ["continue", "stop", "compensate"] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** Clients that `baton init` sets up and `baton guard` is named for. */
export const CLIENT_NAMES = ["claude-code", "cursor", "vscode", "codex", "gemini"] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

export const RESOURCE_TYPES = ["cpu", "memory", "gpu", "disk", "custom"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** An offered allocation was granted to a request whose caller waits no longer, and is kept for it for a while. */
export const ALLOCATION_STATES = ["held", "offered", "waiting"] as const;

/** Kinds of conflict between tasks or agents that are looked for. */
export const CONFLICT_KINDS = [
  "lock_contention",
  "overlapping_scopes",
  "wait_cycle",
  "resources",
  "deadline",
  "unlocked_edit",
  "merge",
] as const;
export type ConflictKind = (typeof CONFLICT_KINDS)[number];

/** Escalated: a person or another agent is asked; gone: it was not found again. */
export const CONFLICT_STATUSES = ["open", "resolved", "escalated", "gone"] as const;

/** Parts that tasks and agents have in a conflict. */
export const CONFLICT_ROLES = ["holds", "waits", "writes", "runs_late", "may_have_edited", "merges"] as const;

/** How a conflict is resolved. */
export const CONFLICT_STRATEGIES = [
  "prioritize_critical",
  "protect_dependency_chain",
  "share",
  "queue",
  "rebalance",
  "earliest_deadline",
  "shortest_first",
  "adaptive",
] as const;
export type ConflictStrategy = (typeof CONFLICT_STRATEGIES)[number];

/** The kinds of what a search finds. */
export const HIT_KINDS = ["run", "task", "question", "dead_letter", "message", "agent", "event"] as const;
export type HitKind = (typeof HIT_KINDS)[number];

/** Names that /metrics may have. */
export const METRIC_NAMES = ["own", "documents"] as const;
export type MetricNames = (typeof METRIC_NAMES)[number];
