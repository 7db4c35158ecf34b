import { z } from "zod";
import { defaultSettings } from "./settings/defaults.js";
import { parseDuration } from "./durations.js";
import { CONFLICT_STRATEGIES, METRIC_NAMES, RUN_MODES } from "./statuses.js";

const share = z.number().min(0).max(1);
const onOrOff = z.boolean();
const wholes = new Map<string, z.ZodInt>();

/** Whole numbers within bounds. Settings with the same bounds share a schema, because each start pays for every one that is made. */
function whole(least: number, most = Number.MAX_SAFE_INTEGER): z.ZodInt {
  const key = `${least} ${most}`;
  const made = wholes.get(key) ?? z.int().min(least).max(most);
  wholes.set(key, made);
  return made;
}

/** Intervals and limits a process starts with. Every one can be set, so that tests with real processes are short. */
export const settingsSchema = z.object({
  session_renew_ms: whole(10),
  session_ttl_ms: whole(50),
  session_grace_ms: whole(0),
  lease_ms: whole(50),
  tick_ms: whole(10),
  ageing_ms: whole(1),
  cancel_grace_ms: whole(0),
  reservation_ms: whole(1),
  handoff_ms: whole(100),
  /** Time of each tier of an escalation. */
  escalation_agent_ms: whole(100),
  escalation_lead_ms: whole(100),
  escalation_human_ms: whole(100),
  /** Whether the next tier comes when the time of one is over, and not the default decision. */
  auto_escalate_on_timeout: onOrOff,
  /** Whether a critical escalation goes to a person at once. */
  critical_always_human: onOrOff,
  lock_place_ms: whole(1),
  lock_offer_ms: whole(1),
  sleep_gap_ms: whole(1),
  wait_max_ms: whole(1),
  wait_max_with_progress_ms: whole(1),
  progress_every_ms: whole(10),
  request_id_ttl_ms: whole(1),
  retention_ms: whole(0),
  /** Retention of dead letters that have been resolved or discarded. */
  dead_letter_retention_ms: whole(0),
  /** Automatic replays of a dead letter; 0 is off. The pause doubles each time, up to a day. */
  dead_letter_replays: whole(0, 100),
  dead_letter_replay_delay_ms: whole(1, 86_400_000),
  open_tasks_max: whole(1),
  /** Tasks of a run at once, where nothing else says how many; 0: as many as there are agents. */
  max_concurrent_tasks: whole(0, 10_000),
  /** Runs under way at once that no other run has started; 0: any number. */
  max_concurrent_runs: whole(0, 10_000),
  /** Mode of a run without a session. */
  default_mode: z.enum(RUN_MODES),
  depth_max: whole(1),
  payload_bytes_max: whole(1),
  input_bytes_max: whole(1_024),
  /** Requests of a caller with a token; 0: any number. */
  http_requests_per_second: whole(0, 100_000),
  /** From the first byte of a request to its last. */
  http_request_timeout_ms: whole(100, 600_000),
  /** Whether /metrics has the names of the founding documents beside its own. */
  metrics_names: z.enum(METRIC_NAMES),
  /** How often a sample of the state is taken, and how long samples are kept. */
  monitoring_interval_ms: whole(1_000, 3_600_000),
  metrics_retention_ms: whole(0, 2_592_000_000),
  artifact_bytes_max: whole(1, 134_217_728),
  /** Tokens of a context window that names no limit of its own. */
  max_context_tokens: whole(1_000, 10_000_000),
  /** Share of its limit from which a context window is compacted. */
  context_compaction_threshold: z.number().min(0.1).max(1),
  patterns_max: whole(1),
  /** Of one server process that is allowed to run commands. */
  max_concurrent_commands: whole(1, 1_000),
  /** Of one server process that has MCP servers configured: calls of their tools. */
  max_concurrent_tool_calls: whole(1, 1_000),
  /** Largest part of these slots that one run, and one project, has at once. */
  run_slots_share: z.number().min(0.01).max(1),
  project_slots_share: z.number().min(0.01).max(1),
  /** From the start of an MCP server to its tools, and how long it stays with nothing to do. */
  mcp_start_timeout_ms: whole(10),
  mcp_idle_ms: whole(0),
  /** Defaults of a step: attempts in all, and the time limit of one. */
  retry_attempts: whole(1, 1_000),
  task_timeout_ms: whole(1),
  /** Leases that a task may lose in a row before it is a dead letter. */
  max_losses: whole(1, 1_000),
  /** An agent without a call for so long is silent; what it holds then goes to who wants it, after the grace. */
  silence_ms: whole(100),
  silence_grace_ms: whole(0),
  lost_lease_counts: onOrOff,
  /** Whether agents that keep failing get no work for a while. */
  circuit_breakers: onOrOff,
  /** How long a task that an agent has failed is left to others. */
  exclusion_ms: whole(0, 3_600_000),
  /** Failures in a row that open a breaker, and the pause before the trial, which doubles each time. */
  breaker_failures: whole(2, 1_000),
  breaker_delay_ms: whole(10, 3_600_000),
  /** How long after its last checkpoint a run that has changed is given another; 0: never. */
  checkpoint_interval_ms: whole(0),
  /** Whether a run is given one before its gate and human steps. */
  checkpoint_gates: onOrOff,
  /** Whether the person at a client that can show forms is asked there what waits for a decision. */
  elicitation: onOrOff,
  /** Whether get_workload says how many more agents would shorten the ready work. */
  predictive_scaling: onOrOff,
  /** Lifetime of such a form, and the pause before a person who did not answer or put it off is asked again. */
  elicitation_timeout_ms: whole(10, 86_400_000),
  elicitation_again_ms: whole(1_000),
  /** Checkpoints kept of each automatic kind, per run; the oldest is removed. */
  checkpoints_kept: whole(1, 1_000),
  /** Shares of a budget from which it warns, and from which it stops claims, where the budget names none. */
  cost_warning_threshold: z.number().min(0.000001).max(10),
  cost_block_threshold: z.number().min(0.000001).max(10),
  /** Attempts at a notification, the pause before the second, which doubles each time, and the time limit of each. */
  delivery_attempts_max: whole(1, 100),
  delivery_retry_ms: whole(10),
  delivery_timeout_ms: whole(10, 300_000),
  /** Whether ended attempts, reviews and feedback are learned from. Off, choices go by what is declared alone, and are the same each time. */
  learning_enabled: onOrOff,
  /** The share of its weight that evidence loses in a day; 0: it does not fade. */
  learning_rate: z.number().min(0).max(0.99),
  /** How long a waiting claim leaves a task that has just become ready to an idle agent that is clearly better at its type; 0: not at all. */
  head_start_ms: whole(0, 60_000),
  /** Targets that validate_performance holds figures against. */
  "targets.task_assignment_latency_ms": whole(1),
  "targets.load_balancing_efficiency": share,
  "targets.routing_accuracy": share,
  "targets.recovery_time_ms": whole(1),
  "targets.workflow_completion_rate": share,
  "targets.throughput_per_second": z.number().positive(),
  /** How long a conflict stays open until it is escalated, and how it is resolved where nothing else says so. */
  conflict_timeout_ms: whole(100),
  conflict_strategy: z.enum(CONFLICT_STRATEGIES),
  /** Quotas of each agent with its connection; 0: none. */
  agent_locks_max: whole(0),
  agent_open_tasks_max: whole(0),
  agent_bytes_per_hour_max: whole(0),
});
export type Settings = Readonly<z.output<typeof settingsSchema>>;

/** Every setting: as given, else as it is by default. Throws a `ZodError`. */
export function settingsOf(given: Readonly<Record<string, unknown>>): Settings {
  return settingsSchema.parse({ ...defaultSettings, ...given });
}

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
  METRICS_RETENTION_HOURS: "metrics_retention_ms",
  MONITORING_INTERVAL_SECONDS: "monitoring_interval_ms",
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

/** Milliseconds of the unit of those among them that have another. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["AGENT_HEALTH_CHECK_INTERVAL", 1_000],
  ["HEALTH_CHECK_INTERVAL", 1_000],
  ["METRICS_RETENTION_HOURS", 3_600_000],
  ["MONITORING_INTERVAL_SECONDS", 1_000],
  ["ORCHESTRATOR_CONFLICT_RESOLUTION_TIMEOUT", 1_000],
]);

/** The value of a setting that was given under a name of the documents. */
export function documentedValue(name: string, value: unknown): unknown {
  const unit = UNITS.get(name.toUpperCase());
  return typeof value === "number" && unit !== undefined ? Math.round(value * unit) : value;
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
