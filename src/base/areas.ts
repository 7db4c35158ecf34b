/** The areas of operations, in the order of the tool list and the reference. A toolset is an area. */
export const AREAS = [
  "meta",
  "projects",
  "workflows",
  "runs",
  "tasks",
  "locks",
  "conflicts",
  "artifacts",
  "agents",
  "routing",
  "recovery",
  "resources",
  "channels",
  "supervision",
  "escalations",
  "dead_letters",
  "checkpoints",
  "context",
  "cost",
  "system",
] as const;
export type Area = (typeof AREAS)[number];
