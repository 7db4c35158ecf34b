import { z } from "zod";
import { parseDuration } from "./durations.js";
import { RUN_MODES } from "./statuses.js";

/** Intervals and limits a process starts with. Every one can be set, so that tests with real processes are short. */
export const settingsSchema = z.object({
  session_renew_ms: z.int().min(10).default(5_000),
  session_ttl_ms: z.int().min(50).default(60_000),
  session_grace_ms: z.int().min(0).default(10_000),
  lease_ms: z.int().min(50).default(600_000),
  tick_ms: z.int().min(10).default(1_000),
  ageing_ms: z.int().min(1).default(600_000),
  cancel_grace_ms: z.int().min(0).default(30_000),
  reservation_ms: z.int().min(1).default(300_000),
  lock_place_ms: z.int().min(1).default(60_000),
  lock_offer_ms: z.int().min(1).default(30_000),
  sleep_gap_ms: z.int().min(1).default(30_000),
  wait_max_ms: z.int().min(1).default(50_000),
  wait_max_with_progress_ms: z.int().min(1).default(600_000),
  progress_every_ms: z.int().min(10).default(10_000),
  request_id_ttl_ms: z.int().min(1).default(86_400_000),
  retention_ms: z
    .int()
    .min(0)
    .default(90 * 86_400_000),
  /** Retention of dead letters that have been resolved or discarded. */
  dead_letter_retention_ms: z
    .int()
    .min(0)
    .default(30 * 86_400_000),
  /** Automatic replays of a dead letter; 0 is off. The pause doubles each time, up to a day. */
  dead_letter_replays: z.int().min(0).max(100).default(0),
  dead_letter_replay_delay_ms: z.int().min(1).max(86_400_000).default(600_000),
  open_tasks_max: z.int().min(1).default(10_000),
  /** Tasks of a run at once, where nothing else says how many; 0: as many as there are agents. */
  max_concurrent_tasks: z.int().min(0).max(10_000).default(0),
  /** Mode of a run without a session. */
  default_mode: z.enum(RUN_MODES).default("standard"),
  depth_max: z.int().min(1).default(1_000),
  payload_bytes_max: z.int().min(1).default(262_144),
  input_bytes_max: z.int().min(1_024).default(16_777_216),
  patterns_max: z.int().min(1).default(1_000),
  /** Of one server process that is allowed to run commands. */
  max_concurrent_commands: z.int().min(1).max(1_000).default(10),
  /** Of one server process that has MCP servers configured: calls of their tools. */
  max_concurrent_tool_calls: z.int().min(1).max(1_000).default(10),
  /** From the start of an MCP server to its tools, and how long it stays with nothing to do. */
  mcp_start_timeout_ms: z.int().min(10).default(30_000),
  mcp_idle_ms: z.int().min(0).default(300_000),
  /** Defaults of a step: attempts in all, and the time limit of one. */
  retry_attempts: z.int().min(1).max(1_000).default(3),
  task_timeout_ms: z.int().min(1).default(3_600_000),
  /** Leases that a task may lose in a row before it is a dead letter. */
  max_losses: z.int().min(1).max(1_000).default(5),
  /** An agent without a call for so long is silent; what it holds then goes to who wants it, after the grace. */
  silence_ms: z.int().min(100).default(900_000),
  silence_grace_ms: z.int().min(0).default(60_000),
  lost_lease_counts: z.boolean().default(false),
  /** How long after its last checkpoint a run that has changed is given another; 0: never. */
  checkpoint_interval_ms: z.int().min(0).default(300_000),
  /** Whether a run is given one before its gate and human steps. */
  checkpoint_gates: z.boolean().default(true),
  /** Whether the person at a client that can show forms is asked there what waits for a decision. */
  elicitation: z.boolean().default(true),
  /** Lifetime of such a form, and the pause before a person who did not answer or put it off is asked again. */
  elicitation_timeout_ms: z.int().min(10).max(86_400_000).default(600_000),
  elicitation_again_ms: z.int().min(1_000).default(3_600_000),
  /** Checkpoints kept of each automatic kind, per run; the oldest is removed. */
  checkpoints_kept: z.int().min(1).max(1_000).default(20),
  /** Quotas of each agent with its connection; 0: none. */
  agent_locks_max: z.int().min(0).default(0),
  agent_open_tasks_max: z.int().min(0).default(0),
  agent_bytes_per_hour_max: z.int().min(0).default(0),
});
export type Settings = Readonly<z.output<typeof settingsSchema>>;

export const defaultSettings: Settings = Object.freeze(settingsSchema.parse({}));

/** Former names of settings, which files, variables and calls may still use, with their present names. */
export const PRESENT_NAMES: Readonly<Record<string, keyof Settings>> = {
  letter_retention_ms: "dead_letter_retention_ms",
  letter_replays: "dead_letter_replays",
  letter_replay_delay_ms: "dead_letter_replay_delay_ms",
};

/**
 * The same values under the present names, durations in milliseconds: a text such as "1h" is understood, and `task_timeout`, in
 * seconds where it is a number, is `task_timeout_ms`. Where a value is given under both names, the present one wins.
 */
export function withPresentNames(values: object): Record<string, unknown> {
  const entries = Object.entries(values).toSorted(
    ([a], [b]) => Number(!Object.hasOwn(settingsSchema.shape, b)) - Number(!Object.hasOwn(settingsSchema.shape, a)),
  );
  return Object.fromEntries(entries.map(([name, value]) => inMilliseconds(presentName(name), value)));
}

function presentName(name: string): string {
  // A name such as toString is that of no setting.
  return (Object.hasOwn(PRESENT_NAMES, name) ? PRESENT_NAMES[name] : undefined) ?? name;
}

function inMilliseconds(name: string, value: unknown): [name: string, value: unknown] {
  const isSetting = Object.hasOwn(settingsSchema.shape, name);
  const own = !isSetting && Object.hasOwn(settingsSchema.shape, `${name}_ms`) ? `${name}_ms` : name;
  if (typeof value === "string" && own.endsWith("_ms")) return [own, parseDuration(value) ?? value];
  return [own, own !== name && typeof value === "number" ? value * 1_000 : value];
}
