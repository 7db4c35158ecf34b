/** The states and kinds of things, declared once: for the tables, the state machines, the operations and the command line. */

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

export const RUN_MODES = ["standard", "high_performance", "fault_tolerant", "resource_aware"] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const PROJECT_STATUSES = ["active", "archived"] as const;
export type ProjectStatus = (typeof PROJECT_STATUSES)[number];

export const AGENT_STATUSES = ["active", "unregistered"] as const;

export const MILESTONE_STATUSES = ["open", "completed"] as const;

export const LINK_KINDS = ["run", "task", "workflow"] as const;

export const CHECKPOINT_KINDS = ["manual", "interval", "gate"] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

export const DEAD_LETTER_STATUSES = ["pending", "replayed", "resolved", "discarded"] as const;
export type DeadLetterStatus = (typeof DEAD_LETTER_STATUSES)[number];
