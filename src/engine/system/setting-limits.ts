import { requirePerson } from "../person.js";
import type { EngineContext } from "../context.js";
import type { Settings } from "../../base/settings.js";

type Name = keyof Settings;
type Limits = Readonly<Partial<Record<Name, readonly [least: number, most: number, off?: 0]>>>;

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Settings that remove what is kept, decide whether and how a person is asked, bound what each agent may use, or say what is good enough. */
const PERSONS: ReadonlySet<string> = new Set<Name>([
  "retention_ms",
  "dead_letter_retention_ms",
  "metrics_retention_ms",
  "checkpoints_kept",
  "elicitation",
  "elicitation_timeout_ms",
  "elicitation_again_ms",
  "escalation_agent_ms",
  "escalation_lead_ms",
  "escalation_human_ms",
  "auto_escalate_on_timeout",
  "critical_always_human",
  "delivery_attempts_max",
  "delivery_retry_ms",
  "delivery_timeout_ms",
  "http_requests_per_second",
  "http_request_timeout_ms",
  "agent_locks_max",
  "agent_open_tasks_max",
  "agent_bytes_per_hour_max",
  "targets.task_assignment_latency_ms",
  "targets.load_balancing_efficiency",
  "targets.routing_accuracy",
  "targets.recovery_time_ms",
  "targets.workflow_completion_rate",
  "targets.throughput_per_second",
]);

/**
 * Least and most that an agent may configure, because a stored setting holds for every process on the database: with less no agent
 * could work there, with more the work of one stops that of the others. A `0` after them is allowed too, where it turns the setting off.
 * A person, and the start of a process, are bound by the settings' schema alone.
 */
const LIMITS: Limits = {
  session_renew_ms: [SECOND, MINUTE],
  session_ttl_ms: [10 * SECOND, HOUR],
  session_grace_ms: [SECOND, HOUR],
  lease_ms: [10 * SECOND, DAY],
  ageing_ms: [SECOND, DAY],
  cancel_grace_ms: [SECOND, HOUR],
  reservation_ms: [10 * SECOND, DAY],
  handoff_ms: [10 * SECOND, 7 * DAY],
  lock_place_ms: [5 * SECOND, HOUR],
  lock_offer_ms: [5 * SECOND, HOUR],
  sleep_gap_ms: [5 * SECOND, HOUR],
  wait_max_ms: [SECOND, HOUR],
  wait_max_with_progress_ms: [SECOND, DAY],
  progress_every_ms: [SECOND, HOUR],
  request_id_ttl_ms: [HOUR, 30 * DAY],
  monitoring_interval_ms: [SECOND, HOUR],
  dead_letter_replay_delay_ms: [10 * SECOND, DAY],
  open_tasks_max: [100, 100_000],
  max_concurrent_tasks: [10, 10_000, 0],
  max_concurrent_runs: [10, 10_000, 0],
  depth_max: [100, 10_000],
  payload_bytes_max: [16_384, 1_048_576],
  artifact_bytes_max: [65_536, 33_554_432],
  max_context_tokens: [4_000, 10_000_000],
  patterns_max: [100, 10_000],
  mcp_start_timeout_ms: [SECOND, HOUR],
  mcp_idle_ms: [SECOND, DAY],
  max_concurrent_commands: [1, 100],
  max_concurrent_tool_calls: [1, 100],
  run_slots_share: [0.01, 1],
  project_slots_share: [0.01, 1],
  retry_attempts: [1, 100],
  task_timeout_ms: [10 * SECOND, 30 * DAY],
  max_losses: [2, 100],
  silence_ms: [MINUTE, 30 * DAY],
  silence_grace_ms: [10 * SECOND, DAY],
  exclusion_ms: [SECOND, HOUR, 0],
  head_start_ms: [100, 10 * SECOND, 0],
  conflict_timeout_ms: [10 * SECOND, DAY],
  checkpoint_interval_ms: [10 * SECOND, 30 * DAY, 0],
};

/** Errors: `not_permitted` for settings that a person decides. Taking one back decides too. */
export function requireOwnSettings(ctx: EngineContext, names: readonly string[]): void {
  const reserved = names.filter((name) => PERSONS.has(name));
  if (reserved.length === 0) return;
  const are = reserved.length === 1 ? "is" : "are";
  requirePerson(ctx, {
    matter: `${reserved.join(", ")} ${are} for a person to set: they remove what is kept, decide how people are asked, bound agents, or say what is good enough. No setting was changed.`,
    way: `A person sets them at a terminal (baton call configure), or where the servers are started (${reserved.map((name) => `BATON_${name.replaceAll(".", "_").toUpperCase()}`).join(", ")}).`,
    details: { settings: reserved },
  });
}

/** Returns why an agent may not configure a value that the settings' schema takes; undefined where it may. */
export function limitProblem({ caller }: EngineContext, name: string, value: unknown): string | undefined {
  const limits = Object.entries(LIMITS).find(([limited]) => limited === name)?.[1];
  if (limits === undefined || caller.channel === "human" || typeof value !== "number") return undefined;
  const [least, most, off] = limits;
  if (value === off || (value >= least && value <= most)) return undefined;
  const range = `${off === undefined ? "" : "0, or "}from ${least} to ${most}`;
  return `is ${range} for all processes on this database, unless a person sets it (baton call configure at a terminal, or BATON_${name.toUpperCase()})`;
}
