import { defaultSettings } from "../base/settings/defaults.js";
import { type Settings } from "../base/settings.js";
import { LOWERABLE } from "./repository-file.js";

/** Each setting in words, for docs/configuration.md: a setting without words does not compile. */
const MEANINGS: Readonly<Record<keyof Settings, string>> = {
  session_renew_ms: "how often a server process renews its session, and with it the leases of its tasks",
  session_ttl_ms:
    "a session that has not been renewed for so long has ended: the whole host may be gone (also `AGENT_HEALTH_CHECK_INTERVAL`, in seconds)",
  session_grace_ms: "from the death of a process on this host until its tasks go back to the queue",
  lease_ms: "lease of a caller without a process of its own (`baton call`)",
  tick_ms: "how often each process looks for work that is due",
  ageing_ms: "a ready task gains one priority level after waiting so long",
  cancel_grace_ms: "from a request to stop until a task is taken from its holder",
  reservation_ms: "how long a task stays reserved for an agent that does not claim it",
  handoff_ms: "how long a task that is offered to an agent waits for its answer, and stays reserved for it",
  escalation_agent_ms: "how long other agents may decide an escalation, before it climbs to those with a leading role",
  escalation_lead_ms: "how long agents with a leading role may decide an escalation, before it climbs to a person",
  escalation_human_ms: "how long an escalation waits for a person, before its default decision is taken",
  auto_escalate_on_timeout:
    "whether an escalation climbs when the time of its tier is over; else its default decision is taken",
  critical_always_human: "whether a critical escalation goes to a person at once",
  lock_place_ms: "how long a place in a lock's queue is kept for an agent that does not ask again",
  lock_offer_ms: "how long a free lock is kept for the first in its queue",
  sleep_gap_ms: "time that may pass without any process of a host before its sessions are given time to renew",
  wait_max_ms: "longest wait of one call, such as `claim_task` or `wait_for`",
  wait_max_with_progress_ms: "the same for a client that shows progress",
  progress_every_ms: "how often a waiting call tells its client that it goes on",
  request_id_ttl_ms: "how long the answer to a `request_id` is kept",
  retention_ms: "how long finished runs are kept, with their history",
  dead_letter_retention_ms: "how long failed tasks that were resolved or discarded are kept",
  dead_letter_replays: "automatic retries of a failed task; 0: none",
  dead_letter_replay_delay_ms: "pause before the first of them; it doubles each time, up to a day",
  open_tasks_max: "open tasks of a run",
  max_concurrent_tasks:
    "tasks of a run at once where neither its start, its workflow, its session nor its project says; 0: as many as there are agents",
  max_concurrent_runs:
    "runs under way at once; a further one is paused with the reason, and starts when one has ended (also `MAX_CONCURRENT_WORKFLOWS`); 0: any number",
  default_mode:
    "mode of a run without a session: `standard`, `high_performance`, `fault_tolerant`, `resource_aware` or `adaptive`",
  depth_max: "longest chain of dependencies",
  payload_bytes_max: "size of a step or a result",
  input_bytes_max: "size of a call",
  http_requests_per_second: "requests over HTTP of a caller with a token, twice as many at once; 0: any number",
  http_request_timeout_ms: "time in which a request over HTTP has to be sent",
  metrics_names: "names at `/metrics`: `own`, or `documents` for those of the founding documents beside them",
  monitoring_interval_ms:
    "how often the state is sampled for `get_metrics`, where it has changed; every 5 s at most (also `MONITORING_INTERVAL_SECONDS`)",
  metrics_retention_ms: "how long these samples are kept; 0: none is taken (also `METRICS_RETENTION_HOURS`)",
  artifact_bytes_max: "size of an artifact",
  max_context_tokens: "tokens of a context window that names no limit of its own",
  context_compaction_threshold: "share of its limit from which a context window is compacted",
  patterns_max: "patterns in a lock call",
  max_concurrent_commands: "commands at once in one process",
  max_concurrent_tool_calls: "calls of other servers' tools at once in one process",
  run_slots_share:
    "part of the slots for commands, and of those for calls, that one run has at most; one step at least",
  project_slots_share: "the same for all runs of a project together",
  mcp_start_timeout_ms: "time that another MCP server has to start",
  mcp_idle_ms: "how long another MCP server stays started without a call",
  retry_attempts: "attempts of a step without its own `retry`",
  task_timeout_ms: "time limit of one attempt without its own `timeouts`",
  max_losses: "leases that a task may lose in a row before it has failed",
  silence_ms: "an agent without a call for so long is silent",
  silence_grace_ms: "from the warning of a silent agent until its task or lock goes to another that wants it",
  lost_lease_counts: "whether a lost lease counts as an attempt of an agent's task",
  circuit_breakers:
    "whether an agent that keeps failing gets no work for a while, as long as another can do it, and an MCP server that keeps failing no calls (in the environment also `ENABLE_CIRCUIT_BREAKERS`)",
  exclusion_ms:
    "how long a task that an agent has failed is left to another that works in the project and has room; 0: not at all",
  breaker_failures: "failures in a row that open a breaker",
  breaker_delay_ms:
    "pause before an agent, or an MCP server, whose breaker has opened gets one task as a trial; it doubles each time, up to 30 min",
  checkpoint_interval_ms: "a run that has changed is given a checkpoint so long after its last; 0: never",
  checkpoint_gates: "whether a run is given a checkpoint before its gate and human steps",
  predictive_scaling: "whether get_workload says how many more agents would shorten the ready work",
  elicitation: "whether a client that can show forms is asked the questions that wait for a person",
  elicitation_timeout_ms: "lifetime of such a form",
  elicitation_again_ms: "pause before a person who did not answer is asked again",
  checkpoints_kept: "automatic checkpoints kept of each kind, per run",
  cost_warning_threshold: "share of a budget from which the history warns, where the budget names none",
  cost_block_threshold: "share of a budget from which claims stop, likewise",
  delivery_attempts_max: "attempts at a notification before it is kept as failed",
  delivery_retry_ms: "pause before the second attempt at a notification; it doubles each time, up to an hour",
  delivery_timeout_ms: "time limit of one attempt at a notification",
  learning_enabled:
    "whether ended attempts, reviews and feedback are learned from; off, nothing is recorded, and choices go by what is declared alone",
  head_start_ms:
    "how long a waiting claim leaves a task that has just become ready to an idle agent that is clearly better at its type; 0: not at all",
  learning_rate:
    "the share of its weight that what was learned loses in a day (0.1: half in 6.6 days); 0: it does not fade",
  "targets.task_assignment_latency_ms":
    "target of `validate_performance`: mean time of a claim (in the environment also `TASK_ASSIGNMENT_LATENCY_TARGET_MS`)",
  "targets.load_balancing_efficiency":
    "the same: work over the time of all agents until the last task has ended (also `LOAD_BALANCING_EFFICIENCY_TARGET`)",
  "targets.routing_accuracy":
    "the same: share of simulated tasks, in the last quarter of their histories, that go to an agent within 5 % of the best free one (also `ROUTING_ACCURACY_TARGET`)",
  "targets.recovery_time_ms":
    "the same: from the loss of a process or machine until its task runs again (also `RECOVERY_TIME_TARGET_MS`)",
  "targets.workflow_completion_rate": "the same: share of ended runs that succeeded; cancelled ones do not count",
  "targets.throughput_per_second": "the same: tasks claimed and completed in a second",
  conflict_strategy: "how conflicts are resolved where no strategy is set for their kind or project",
  conflict_timeout_ms:
    "how long a conflict that was found stays open until it is escalated (also `ORCHESTRATOR_CONFLICT_RESOLUTION_TIMEOUT`, in seconds)",
  agent_locks_max: "quota of each agent: file locks held or waited for; 0: none",
  agent_open_tasks_max: "quota of each agent: open tasks that it has created; 0: none",
  agent_bytes_per_hour_max: "quota of each agent: bytes that its calls write in an hour; 0: none",
};

const INTRODUCTION = `# Configuration

The table of settings is made from their schema by \`npm run reference\`; a test fails when it is out of date.

Nothing has to be configured. Precedence, highest first: a flag, the environment, values that \`configure\` stored in the database (settings
only), your own \`baton.json\`, the default. \`baton doctor\` shows what is set where, \`baton call get_configuration\` each value with its origin.

| system | your own \`baton.json\` |
| --- | --- |
| Linux | \`~/.config/baton/baton.json\` |
| macOS | \`~/Library/Preferences/baton/baton.json\` |
| Windows | \`%APPDATA%\\baton\\Config\\baton.json\` |

It holds one JSON object; comments are allowed: \`{ "silence_ms": 1800000, "allow_commands": ["npm test"] }\`. A \`baton.json\` at the root of a
repository may lower the limits marked † for the server started there, and list \`toolsets\`; it can do nothing else, because a file that
comes with a repository must not reach beyond it.

## Where things are, and what is allowed

| flag | environment | in your own \`baton.json\` | default |
| --- | --- | --- | --- |
| \`--db FILE\` | \`BATON_DB\` | \`db\` | \`baton.db\` in the per-user data directory, readable by you alone |
| \`--database-url URL\` | \`BATON_DATABASE_URL\` | \`database_url\` | none: SQLite |
| \`--allow-commands\` | \`BATON_ALLOW_COMMANDS\` | \`allow_commands\`: \`true\`, or a list of patterns | commands are off |
| | \`BATON_ALLOWED_ROOTS\`: directories, between colons | \`allowed_roots\`: a list | projects and commands in any directory |
| \`--read-only\` | \`BATON_READ_ONLY\` | \`read_only\`: the process only reads; calls that change anything are refused, and it runs nothing | \`false\` |
| \`--mcp-config FILE\` | \`BATON_MCP_SERVERS\` | \`mcpServers\`: the servers whose tools steps may call | none |
| | \`BATON_PRICES\`: JSON | \`prices\`: your own prices of models, in US$ for a million tokens, such as \`{"my-model": {"input": 3, "output": 15, "cached": 0.3}}\` | the published ones |
| | \`BATON_NOTIFICATIONS\`: JSON | \`notifications\`: where you are told of what waits for your decision, and of other events ([notifications](notifications.md)) | the command line alone |
| | \`BATON_TEMPLATES_DIRECTORY\` | \`templates_directory\`: your own templates | \`templates\` in the configuration directory |
| \`--toolsets AREA,…\` | \`BATON_TOOLSETS\` | \`toolsets\` | the listed tools |
| \`--log-level LEVEL\` | \`BATON_LOG_LEVEL\` | \`log_level\` | \`warn\`, to stderr |
| | \`BATON_OUTPUT_DIRECTORY\` | \`output_directory\`: the output of commands | \`output\` in the data directory |
| | \`BATON_SQLITE_SYNCHRONOUS\` | \`sqlite_synchronous\`: \`FULL\` or \`NORMAL\` | \`FULL\` |
| | \`BATON_DATABASE_CONNECTIONS\` | \`database_connections\` | 8 per process |
| | \`BATON_AGENT\` | | handle of \`baton call\`: your user name |

Paths may begin with \`~\`. Relative ones start at the file that names them, in a flag at the working directory; in the environment they are
refused, because they would mean another place for each client.

## Settings

In a file by its name, in the environment as \`BATON_\` and its name in capitals, with \`_\` for a point: \`BATON_LEASE_MS\`. Durations are whole milliseconds.
Variables of the founding documents set the same: \`ORCHESTRATOR_LEARNING_ENABLED\`, \`ORCHESTRATOR_MAX_CONCURRENT_TASKS\`, and those named below. Files and \`configure\` take these names too. A variable that switches something is \`true\` or \`false\`, and may be \`1\`, \`yes\`, \`on\` and \`0\`, \`no\`, \`off\`.
`;

/** docs/configuration.md: where things are set, and every setting with its default. */
export function configurationPage(): string {
  const names = Object.keys(MEANINGS) as (keyof Settings)[];
  const rows = names.map((name) => {
    const mark = LOWERABLE.includes(name) ? " †" : "";
    return `| \`${name}\`${mark} | ${shownDefault(name)} | ${MEANINGS[name]} |`;
  });
  return `${INTRODUCTION}\n| setting | default | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

const DAY_MS = 86_400_000;
/** One day is written as 24 h. */
const least = (ms: number): number => (ms === DAY_MS ? 2 * ms : ms);
const UNITS = [
  ["days", DAY_MS],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

function shownDefault(name: keyof Settings): string {
  const value = defaultSettings[name];
  if (typeof value !== "number") return String(value);
  if (name.endsWith("_bytes_max")) return value < 1_048_576 ? `${value / 1_024} KB` : `${value / 1_048_576} MB`;
  if (!name.endsWith("_ms")) return value.toLocaleString("en-US");
  const [unit, size] = UNITS.find(([, ms]) => value >= least(ms) && value % ms === 0) ?? ["ms", 1];
  return `${value / size} ${unit}`;
}
