import { z } from "zod";
import { defaultSettings } from "./settings/defaults.js";
import { parseDuration } from "./durations.js";
import { CONFLICT_STRATEGIES, METRIC_NAMES, RUN_MODES } from "./statuses.js";

const shareSchema = z.number().min(0).max(1);

/** Intervals and limits a process starts with. Every one can be set, so that tests with real processes are short. */
export const settingsSchema = z.object({
  session_renew_ms: z.int().min(10).default(defaultSettings.session_renew_ms),
  session_ttl_ms: z.int().min(50).default(defaultSettings.session_ttl_ms),
  session_grace_ms: z.int().min(0).default(defaultSettings.session_grace_ms),
  lease_ms: z.int().min(50).default(defaultSettings.lease_ms),
  tick_ms: z.int().min(10).default(defaultSettings.tick_ms),
  ageing_ms: z.int().min(1).default(defaultSettings.ageing_ms),
  cancel_grace_ms: z.int().min(0).default(defaultSettings.cancel_grace_ms),
  reservation_ms: z.int().min(1).default(defaultSettings.reservation_ms),
  handoff_ms: z.int().min(100).default(defaultSettings.handoff_ms),
  /** Time of each tier of an escalation. */
  escalation_agent_ms: z.int().min(100).default(defaultSettings.escalation_agent_ms),
  escalation_lead_ms: z.int().min(100).default(defaultSettings.escalation_lead_ms),
  escalation_human_ms: z.int().min(100).default(defaultSettings.escalation_human_ms),
  /** Whether the next tier comes when the time of one is over, and not the default decision. */
  auto_escalate_on_timeout: z.boolean().default(defaultSettings.auto_escalate_on_timeout),
  /** Whether a critical escalation goes to a person at once. */
  critical_always_human: z.boolean().default(defaultSettings.critical_always_human),
  lock_place_ms: z.int().min(1).default(defaultSettings.lock_place_ms),
  lock_offer_ms: z.int().min(1).default(defaultSettings.lock_offer_ms),
  sleep_gap_ms: z.int().min(1).default(defaultSettings.sleep_gap_ms),
  wait_max_ms: z.int().min(1).default(defaultSettings.wait_max_ms),
  wait_max_with_progress_ms: z.int().min(1).default(defaultSettings.wait_max_with_progress_ms),
  progress_every_ms: z.int().min(10).default(defaultSettings.progress_every_ms),
  request_id_ttl_ms: z.int().min(1).default(defaultSettings.request_id_ttl_ms),
  retention_ms: z.int().min(0).default(defaultSettings.retention_ms),
  /** Retention of dead letters that have been resolved or discarded. */
  dead_letter_retention_ms: z.int().min(0).default(defaultSettings.dead_letter_retention_ms),
  /** Automatic replays of a dead letter; 0 is off. The pause doubles each time, up to a day. */
  dead_letter_replays: z.int().min(0).max(100).default(defaultSettings.dead_letter_replays),
  dead_letter_replay_delay_ms: z.int().min(1).max(86_400_000).default(defaultSettings.dead_letter_replay_delay_ms),
  open_tasks_max: z.int().min(1).default(defaultSettings.open_tasks_max),
  /** Tasks of a run at once, where nothing else says how many; 0: as many as there are agents. */
  max_concurrent_tasks: z.int().min(0).max(10_000).default(defaultSettings.max_concurrent_tasks),
  /** Runs under way at once that no other run has started; 0: any number. */
  max_concurrent_runs: z.int().min(0).max(10_000).default(defaultSettings.max_concurrent_runs),
  /** Mode of a run without a session. */
  default_mode: z.enum(RUN_MODES).default(defaultSettings.default_mode),
  depth_max: z.int().min(1).default(defaultSettings.depth_max),
  payload_bytes_max: z.int().min(1).default(defaultSettings.payload_bytes_max),
  input_bytes_max: z.int().min(1_024).default(defaultSettings.input_bytes_max),
  /** Requests of a caller with a token; 0: any number. */
  http_requests_per_second: z.int().min(0).max(100_000).default(defaultSettings.http_requests_per_second),
  /** From the first byte of a request to its last. */
  http_request_timeout_ms: z.int().min(100).max(600_000).default(defaultSettings.http_request_timeout_ms),
  /** Whether /metrics has the names of the founding documents beside its own. */
  metrics_names: z.enum(METRIC_NAMES).default(defaultSettings.metrics_names),
  artifact_bytes_max: z.int().min(1).max(134_217_728).default(defaultSettings.artifact_bytes_max),
  /** Tokens of a context window that names no limit of its own. */
  max_context_tokens: z.int().min(1_000).max(10_000_000).default(defaultSettings.max_context_tokens),
  /** Share of its limit from which a context window is compacted. */
  context_compaction_threshold: z.number().min(0.1).max(1).default(defaultSettings.context_compaction_threshold),
  patterns_max: z.int().min(1).default(defaultSettings.patterns_max),
  /** Of one server process that is allowed to run commands. */
  max_concurrent_commands: z.int().min(1).max(1_000).default(defaultSettings.max_concurrent_commands),
  /** Of one server process that has MCP servers configured: calls of their tools. */
  max_concurrent_tool_calls: z.int().min(1).max(1_000).default(defaultSettings.max_concurrent_tool_calls),
  /** Largest part of these slots that one run, and one project, has at once. */
  run_slots_share: z.number().min(0.01).max(1).default(defaultSettings.run_slots_share),
  project_slots_share: z.number().min(0.01).max(1).default(defaultSettings.project_slots_share),
  /** From the start of an MCP server to its tools, and how long it stays with nothing to do. */
  mcp_start_timeout_ms: z.int().min(10).default(defaultSettings.mcp_start_timeout_ms),
  mcp_idle_ms: z.int().min(0).default(defaultSettings.mcp_idle_ms),
  /** Defaults of a step: attempts in all, and the time limit of one. */
  retry_attempts: z.int().min(1).max(1_000).default(defaultSettings.retry_attempts),
  task_timeout_ms: z.int().min(1).default(defaultSettings.task_timeout_ms),
  /** Leases that a task may lose in a row before it is a dead letter. */
  max_losses: z.int().min(1).max(1_000).default(defaultSettings.max_losses),
  /** An agent without a call for so long is silent; what it holds then goes to who wants it, after the grace. */
  silence_ms: z.int().min(100).default(defaultSettings.silence_ms),
  silence_grace_ms: z.int().min(0).default(defaultSettings.silence_grace_ms),
  lost_lease_counts: z.boolean().default(defaultSettings.lost_lease_counts),
  /** Whether agents that keep failing get no work for a while. */
  circuit_breakers: z.boolean().default(defaultSettings.circuit_breakers),
  /** How long a task that an agent has failed is left to others. */
  exclusion_ms: z.int().min(0).max(3_600_000).default(defaultSettings.exclusion_ms),
  /** Failures in a row that open a breaker, and the pause before the trial, which doubles each time. */
  breaker_failures: z.int().min(2).max(1_000).default(defaultSettings.breaker_failures),
  breaker_delay_ms: z.int().min(10).max(3_600_000).default(defaultSettings.breaker_delay_ms),
  /** How long after its last checkpoint a run that has changed is given another; 0: never. */
  checkpoint_interval_ms: z.int().min(0).default(defaultSettings.checkpoint_interval_ms),
  /** Whether a run is given one before its gate and human steps. */
  checkpoint_gates: z.boolean().default(defaultSettings.checkpoint_gates),
  /** Whether the person at a client that can show forms is asked there what waits for a decision. */
  elicitation: z.boolean().default(defaultSettings.elicitation),
  /** Whether get_workload says how many more agents would shorten the ready work. */
  predictive_scaling: z.boolean().default(defaultSettings.predictive_scaling),
  /** Lifetime of such a form, and the pause before a person who did not answer or put it off is asked again. */
  elicitation_timeout_ms: z.int().min(10).max(86_400_000).default(defaultSettings.elicitation_timeout_ms),
  elicitation_again_ms: z.int().min(1_000).default(defaultSettings.elicitation_again_ms),
  /** Checkpoints kept of each automatic kind, per run; the oldest is removed. */
  checkpoints_kept: z.int().min(1).max(1_000).default(defaultSettings.checkpoints_kept),
  /** Shares of a budget from which it warns, and from which it stops claims, where the budget names none. */
  cost_warning_threshold: z.number().min(0.000001).max(10).default(defaultSettings.cost_warning_threshold),
  cost_block_threshold: z.number().min(0.000001).max(10).default(defaultSettings.cost_block_threshold),
  /** Attempts at a notification, the pause before the second, which doubles each time, and the time limit of each. */
  delivery_attempts_max: z.int().min(1).max(100).default(defaultSettings.delivery_attempts_max),
  delivery_retry_ms: z.int().min(10).default(defaultSettings.delivery_retry_ms),
  delivery_timeout_ms: z.int().min(10).max(300_000).default(defaultSettings.delivery_timeout_ms),
  /** Whether ended attempts, reviews and feedback are learned from. Off, choices go by what is declared alone, and are the same each time. */
  learning_enabled: z.boolean().default(defaultSettings.learning_enabled),
  /** The share of its weight that evidence loses in a day; 0: it does not fade. */
  learning_rate: z.number().min(0).max(0.99).default(defaultSettings.learning_rate),
  /** How long a waiting claim leaves a task that has just become ready to an idle agent that is clearly better at its type; 0: not at all. */
  head_start_ms: z.int().min(0).max(60_000).default(defaultSettings.head_start_ms),
  /** Targets that validate_performance holds figures against. */
  "targets.task_assignment_latency_ms": z.int().min(1).default(defaultSettings["targets.task_assignment_latency_ms"]),
  "targets.load_balancing_efficiency": shareSchema.default(defaultSettings["targets.load_balancing_efficiency"]),
  "targets.routing_accuracy": shareSchema.default(defaultSettings["targets.routing_accuracy"]),
  "targets.recovery_time_ms": z.int().min(1).default(defaultSettings["targets.recovery_time_ms"]),
  "targets.workflow_completion_rate": shareSchema.default(defaultSettings["targets.workflow_completion_rate"]),
  "targets.throughput_per_second": z.number().positive().default(defaultSettings["targets.throughput_per_second"]),
  /** How long a conflict stays open until it is escalated, and how it is resolved where nothing else says so. */
  conflict_timeout_ms: z.int().min(100).default(defaultSettings.conflict_timeout_ms),
  conflict_strategy: z.enum(CONFLICT_STRATEGIES).default(defaultSettings.conflict_strategy),
  /** Quotas of each agent with its connection; 0: none. */
  agent_locks_max: z.int().min(0).default(defaultSettings.agent_locks_max),
  agent_open_tasks_max: z.int().min(0).default(defaultSettings.agent_open_tasks_max),
  agent_bytes_per_hour_max: z.int().min(0).default(defaultSettings.agent_bytes_per_hour_max),
});
export type Settings = Readonly<z.output<typeof settingsSchema>>;

/** Former names of settings, which files, variables and calls may still use, with their present names. */
export const PRESENT_NAMES: Readonly<Record<string, keyof Settings>> = {
  letter_retention_ms: "dead_letter_retention_ms",
  letter_replays: "dead_letter_replays",
  letter_replay_delay_ms: "dead_letter_replay_delay_ms",
};

/** Names of the founding documents with the settings that they set: variables without a prefix, and in files and calls in small letters too. */
export const DOCUMENTED_VARIABLES: Readonly<Record<string, keyof Settings>> = {
  AGENT_HEALTH_CHECK_INTERVAL: "session_ttl_ms",
  ENABLE_CIRCUIT_BREAKERS: "circuit_breakers",
  ENABLE_PREDICTIVE_SCALING: "predictive_scaling",
  MAX_CONCURRENT_WORKFLOWS: "max_concurrent_runs",
  ORCHESTRATOR_CONFLICT_RESOLUTION_TIMEOUT: "conflict_timeout_ms",
  ORCHESTRATOR_LEARNING_ENABLED: "learning_enabled",
  ORCHESTRATOR_MAX_CONCURRENT_TASKS: "max_concurrent_tasks",
  TASK_ASSIGNMENT_LATENCY_TARGET_MS: "targets.task_assignment_latency_ms",
  LOAD_BALANCING_EFFICIENCY_TARGET: "targets.load_balancing_efficiency",
  ROUTING_ACCURACY_TARGET: "targets.routing_accuracy",
  RECOVERY_TIME_TARGET_MS: "targets.recovery_time_ms",
};

/** Further names of theirs, in files and calls alone: variables of other programs may be called so. */
const DOCUMENTED_KEYS: Readonly<Record<string, keyof Settings>> = {
  HEALTH_CHECK_INTERVAL: "session_ttl_ms",
  CONFLICT_RESOLUTION_STRATEGY: "conflict_strategy",
};

/** Names among them whose numbers are seconds. */
const IN_SECONDS: ReadonlySet<string> = new Set([
  "AGENT_HEALTH_CHECK_INTERVAL",
  "HEALTH_CHECK_INTERVAL",
  "ORCHESTRATOR_CONFLICT_RESOLUTION_TIMEOUT",
]);

/** The value of a setting that was given under a name of the documents. */
export function documentedValue(name: string, value: unknown): unknown {
  return typeof value === "number" && IN_SECONDS.has(name.toUpperCase()) ? value * 1_000 : value;
}

/**
 * The same values under the present names, durations in milliseconds: a text such as "1h" is understood, and `task_timeout`, in
 * seconds where it is a number, is `task_timeout_ms`. Where a value is given under both names, the present one wins.
 */
export function withPresentNames(values: object): Record<string, unknown> {
  const entries = Object.entries(values).toSorted(
    ([a], [b]) => Number(!Object.hasOwn(settingsSchema.shape, b)) - Number(!Object.hasOwn(settingsSchema.shape, a)),
  );
  return Object.fromEntries(
    entries.map(([name, value]) => inMilliseconds(presentName(name), documentedValue(name, value))),
  );
}

const FORMER_NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries({ ...DOCUMENTED_VARIABLES, ...DOCUMENTED_KEYS }).flatMap(([name, setting]) => [
    [name, setting] as const,
    [name.toLowerCase(), setting] as const,
  ]),
  ...Object.entries(PRESENT_NAMES),
]);

function presentName(name: string): string {
  return FORMER_NAMES.get(name) ?? name;
}

function inMilliseconds(name: string, value: unknown): [name: string, value: unknown] {
  const isSetting = Object.hasOwn(settingsSchema.shape, name);
  const own = !isSetting && Object.hasOwn(settingsSchema.shape, `${name}_ms`) ? `${name}_ms` : name;
  if (typeof value === "string" && own.endsWith("_ms")) return [own, parseDuration(value) ?? value];
  return [own, own !== name && typeof value === "number" ? value * 1_000 : value];
}
