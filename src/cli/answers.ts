import { BatonError } from "../base/errors.js";
import type { Dispatch } from "../dispatch/dispatch.js";
import type * as shapes from "../dispatch/shapes.js";

type Parsed<S extends { parse(data: unknown): unknown }> = ReturnType<S["parse"]>;

export type TaskAnswer = Parsed<typeof shapes.taskLine>;
export type RunAnswer = Parsed<typeof shapes.run>;
export type BudgetAnswer = Parsed<typeof shapes.budget>;
export type RunLine = Parsed<typeof shapes.runLine>;
export type EventAnswer = Parsed<typeof shapes.event>;
export type BlockedLine = Parsed<typeof shapes.blockedLine>;
export type AttemptAnswer = Parsed<typeof shapes.attempt>;

interface Project {
  readonly id: string;
  readonly name: string;
  readonly root: string | null;
  readonly status: string;
}

interface Milestones {
  readonly open: number;
  readonly completed: number;
  readonly overdue: number;
}

interface Locks {
  readonly held: number;
  readonly offered: number;
  readonly waiting: number;
}

export interface DeadLetterAnswer {
  readonly id: string;
  readonly status: string;
  readonly task: TaskAnswer;
  readonly error: { readonly type: string; readonly message: string; readonly stack?: string };
  readonly created_at: string;
  readonly closed_at: string | null;
  readonly closed_by: string | null;
  readonly note: string | null;
  readonly replay_at?: string;
}

export interface DeadLetterAnswer {
  readonly task: TaskAnswer;
  readonly ready: readonly TaskAnswer[];
  readonly run: RunLine;
}

/** The answers that the command line words itself. dispatch has held each against its operation's output schema. */
export interface Answers {
  execute_workflow: { run: RunAnswer; ready: TaskAnswer[]; warnings?: string[] };
  get_run: {
    run: RunAnswer;
    budget?: BudgetAnswer;
    ready: TaskAnswer[];
    running: TaskAnswer[];
    waiting: TaskAnswer[];
    blocked: BlockedLine[];
    dead_letter: BlockedLine[];
    tasks?: TaskAnswer[];
    failures?: { task: TaskAnswer; attempts: AttemptAnswer[] }[];
  };
  get_run_progress: { eta_ms: number | null };
  get_task: { task: TaskAnswer; result?: unknown };
  list_events: { events: EventAnswer[]; next_cursor: string; more: boolean };
  control_run: { run: RunAnswer };
  validate_workflow: {
    valid: boolean;
    problems: { path: string; step?: string; line?: number; message: string; cycle?: string[] }[];
    steps?: number;
    width?: number;
    waves?: string[][];
    estimate_ms?: number;
    critical_path?: { keys: string[]; total_ms: number };
    warnings?: string[];
  };
  create_workflow: { workflow: { id: string; name: string; version: number; steps: number }; created: boolean };
  import_workflow: Answers["create_workflow"] & {
    figures: {
      tasks: number;
      edges: number;
      depth: number;
      max_width: number;
      critical_path_s: number;
      total_work_s: number;
    };
    files_left_out: number;
    tasks_without_runtime: number;
    runtimes_of_no_task: number;
  };
  list_dead_letters: { dead_letters: DeadLetterAnswer[]; next_cursor?: string };
  get_dead_letter: {
    dead_letter: DeadLetterAnswer;
    attempts: AttemptAnswer[];
    context: { prompt?: string; command?: string; inputs: Record<string, unknown> };
    blocked: string[];
  };
  replay_dead_letter: DeadLetterAnswer;
  resolve_dead_letter: DeadLetterAnswer;
  discard_dead_letter: { task: TaskAnswer };
  get_workflow: { inputs: Record<string, { type?: string }> };
  list_workflows: {
    workflows: {
      name: string;
      version: number;
      steps: number;
      runs: number;
      active_runs: number;
      success_rate: number | null;
      typical_duration_ms: number | null;
    }[];
    next_cursor?: string;
  };
  create_project: {
    project: Project;
    created: boolean;
    scaffolded?: {
      template: string;
      written: string[];
      overwritten: string[];
      unchanged: string[];
      workflows: { name: string; version: number }[];
      milestones: string[];
    };
  };
  list_templates: {
    templates: {
      name: string;
      kind?: "project" | "workflow";
      title?: string;
      inputs?: Record<string, { type?: string; required?: boolean }>;
      origin: "shipped" | "user";
      overrides_shipped?: true;
      problems?: { path: string; message: string }[];
    }[];
    directory: string;
  };
  list_projects: {
    projects: (Project & { runs: number; active_runs: number; progress: number | null; milestones: Milestones })[];
    next_cursor?: string;
  };
  get_project_status: {
    project: Project;
    active_runs: RunLine[];
    agents: { agent: string; tasks: { id: string; key: string; title: string; since: string | null }[] }[];
    locks: Locks;
    tasks: Record<string, number>;
  };
  get_system_status: {
    version: string;
    runs: Record<string, number>;
    tasks: Record<string, number>;
    agents: { registered: number; at_work: number };
    sessions: { open: number; executors: number; overdue: number };
    locks: Locks;
    oldest_ready_ms: number | null;
    database: { backend: string; location: string; schema_version: number };
  };
  get_health_status: {
    status: "ok" | "degraded" | "down";
    components: { name: string; status: "ok" | "degraded" | "down"; reason: string }[];
  };
}

export type Ask = <K extends keyof Answers>(name: K, input?: Record<string, unknown>) => Promise<Answers[K]>;

export function asking(dispatch: Dispatch): Ask {
  return async <K extends keyof Answers>(name: K, input: Record<string, unknown> = {}) => {
    const { result } = await dispatch.call(name, input);
    // The interface above says what the operation's output schema, which the result has passed, says too.
    return result as unknown as Answers[K];
  };
}

/** Undefined in place of `not_found`. */
export async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BatonError && error.code === "not_found") return undefined;
    throw error;
  }
}
