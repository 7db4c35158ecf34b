import type { MetricFamily } from "./families.js";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const PREFIX = "baton_";

/** The names that the founding documents give to some of them. */
const DOCUMENTED: Readonly<Record<string, string>> = {
  task_assignment_duration_seconds: "orchestration_task_assignment_duration_seconds",
  load_balancing_efficiency_ratio: "orchestration_load_balancing_efficiency_ratio",
  routing_accuracy_ratio: "orchestration_routing_accuracy_ratio",
  failure_recovery_duration_seconds: "orchestration_failure_recovery_duration_seconds",
  workflow_completion_rate: "orchestration_workflow_completion_rate",
  circuit_breaker_state: "orchestration_circuit_breaker_state",
  agent_utilization_ratio: "orchestration_agent_utilization_ratio",
  task_duration_seconds: "task_duration_seconds",
  llm_tokens_total: "llm_tokens_total",
  llm_cost_dollars: "llm_cost_dollars",
  queue_depth: "queue_depth",
  active_runs: "active_runs",
  gate_pass_rate: "gate_pass_rate",
};

/** Metrics as Prometheus reads them; those that the documents name under their names too, where that is asked for. */
export function exposition(families: readonly MetricFamily[], withDocumented: boolean): string {
  return families
    .flatMap((family) => {
      const documented = withDocumented ? DOCUMENTED[family.name] : undefined;
      return [`${PREFIX}${family.name}`, documented ?? []].flat().map((name) => familyText(name, family));
    })
    .join("");
}

function familyText(name: string, { help, type, samples }: MetricFamily): string {
  const lines = samples.map(({ suffix = "", labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${suffix}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(text: string): string {
  return text.replaceAll(/[\\"\n]/g, (found) => ESCAPES[found] ?? found);
}
