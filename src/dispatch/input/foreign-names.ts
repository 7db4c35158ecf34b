import type { Operation } from "../operation.js";

/**
 * Names that other systems and documents give to parameters, each with those of Baton that mean the same, best first: the first
 * that an operation has is meant. A key that the operation knows itself is never read as another.
 */
const FOREIGN_KEYS: Readonly<Record<string, readonly string[]>> = {
  agent_id: ["agent", "name"],
  agent_name: ["agent", "name"],
  from_agent: ["agent"],
  to_agent: ["to"],
  decided_by: ["agent"],
  message_type: ["type"],
  content: ["body"],
  context: ["data"],
  worker: ["agent"],
  worker_id: ["agent"],
  assignee: ["agent"],
  task_id: ["task", "id"],
  task: ["id"],
  tasks: ["ids"],
  task_name: ["title"],
  name: ["title"],
  description: ["prompt", "details"],
  instructions: ["prompt"],
  depends_on: ["dependencies"],
  needs: ["dependencies"],
  acceptance_criteria: ["criteria"],
  run_id: ["run"],
  swarm: ["run"],
  swarm_id: ["run"],
  workflow_id: ["workflow", "name"],
  workflow_name: ["workflow", "name"],
  template_name: ["template"],
  parameters: ["inputs"],
  params: ["inputs"],
  project_id: ["project"],
  project_name: ["project", "name"],
  project_path: ["root", "project"],
  file: ["path", "paths"],
  file_path: ["path", "paths"],
  filepath: ["path", "paths"],
  path: ["paths"],
  files: ["paths"],
  file_paths: ["paths"],
  args: ["arguments"],
  lock_token: ["token"],
  lease_token: ["token"],
  fencing_token: ["token"],
  output: ["result"],
  user_id: ["name"],
  user: ["holder"],
  task_type: ["type"],
  failure_type: ["type"],
  routing_strategy: ["strategy"],
  preferred_cognitive_style: ["cognitive_style"],
  creativity_requirements: ["creativity"],
  collaboration_intensity: ["collaboration"],
  expected_quality_threshold: ["quality"],
  specialization_score: ["specialization"],
  resolution_notes: ["notes"],
  error_message: ["reason"],
  execution_context: ["context"],
  execution_mode: ["mode"],
  estimated_cost: ["amount"],
  max_critique_rounds: ["max_rounds"],
  checkpoint_id: ["checkpoint"],
  session_id: ["session"],
  entry_id: ["id"],
  dead_letter_id: ["id"],
  escalation_id: ["id"],
  event_name: ["event"],
  event_type: ["event"],
  idempotency_key: ["request_id"],
  page_size: ["limit"],
  role: ["roles"],
  capabilities: ["requires"],
  kind: ["kinds"],
  timeout_seconds: ["wait_seconds"],
  wait_seconds: ["timeout_seconds"],
  operation: ["name"],
  operation_name: ["name"],
  tool: ["name"],
  tool_name: ["name"],
};

/**
 * Returns an input under the operation's own names: a key of another system, or one in camel case, is renamed where the
 * operation does not know it and has exactly what it means. Of two names for one parameter, the later foreign one stays and is refused.
 */
export function withOwnNames(operation: Operation, given: Record<string, unknown>): Record<string, unknown> {
  const knows = (key: string) => Object.hasOwn(operation.input.shape, key);
  const input = operation.translate?.(given) ?? given;
  const isOfTask = knows("task") || "task" in input || "task_id" in input;
  const isOwn = (key: string) => knows(key) || (key === "run" && isOfTask);
  return isOfTask ? withTaskOfRun(named(input, isOwn), knows) : named(input, isOwn);
}

/** A task by its key beside its run is RUN/KEY; an id says its run itself. */
function withTaskOfRun(input: Record<string, unknown>, knows: (key: string) => boolean): Record<string, unknown> {
  const { run, ...others } = input;
  const place = knows("task") ? "task" : "id";
  const task = others[place];
  if (typeof run !== "string" || run === "" || typeof task !== "string" || !knows(place)) return input;
  const own = task === "" || task.startsWith("task_") || task.includes("/") ? task : `${run}/${task}`;
  return { ...(knows("run") ? input : others), [place]: own };
}

function named(input: Record<string, unknown>, isOwn: (key: string) => boolean): Record<string, unknown> {
  if (Object.keys(input).every(isOwn)) return input;
  const taken = new Set(Object.keys(input));
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => {
      const own = isOwn(key) ? key : ownName(key, isOwn);
      if (own === undefined || taken.has(own)) return [key, value];
      taken.add(own);
      return [own, value];
    }),
  );
}

/** The parameter of an operation that a foreign key means; undefined where it means none. */
export function parameterMeant({ input }: Operation, key: string): string | undefined {
  return ownName(key, (own) => Object.hasOwn(input.shape, own));
}

function ownName(key: string, knows: (key: string) => boolean): string | undefined {
  const snake = key.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
  if (knows(snake)) return snake;
  return Object.hasOwn(FOREIGN_KEYS, snake) ? FOREIGN_KEYS[snake]?.find(knows) : undefined;
}
