import type { TestApp } from "./app.js";

/** What tests read of the answers; the shapes themselves are checked by dispatch. */
export interface TaskLine {
  readonly id: string;
  readonly key: string;
  readonly status: string;
  readonly agent?: string;
  readonly retry_at?: string;
}

export interface RunAnswer {
  readonly id: string;
  readonly status: string;
  readonly progress: number;
  readonly counts: Readonly<Record<string, number>>;
}

export interface ClaimAnswer {
  readonly outcome: "claimed" | "none";
  readonly resumed?: boolean;
  readonly reason?: string;
  readonly task?: TaskLine & {
    readonly prompt: string;
    readonly attempt: number;
    readonly inputs?: Record<string, unknown>;
    readonly dependencies: { key: string; status: string; result?: unknown }[];
  };
  readonly lease?: { readonly token: number; readonly expires_at: string };
  readonly locks?: { path: string; mode: string; token: number }[];
  readonly next?: readonly unknown[];
}

export interface Step {
  readonly key: string;
  readonly [field: string]: unknown;
}

function withPrompt(step: Step): Step {
  return step["kind"] === undefined || step["kind"] === "agent" ? { prompt: `do ${step.key}`, ...step } : step;
}

/** A work's vocabulary in few words, over the same operations that every client calls. */
export class Crew {
  constructor(readonly app: TestApp) {}

  /** Starts a run with the inputs `given`; a step without prompt gets one. */
  async start(
    steps: readonly Step[],
    rest: Record<string, unknown> = {},
  ): Promise<{ run: RunAnswer; ready: TaskLine[] }> {
    const { given, project, ...head } = rest;
    const definition = { name: "plan", ...head, steps: steps.map(withPrompt) };
    const answer = await this.app.call("execute_workflow", {
      definition,
      ...(given === undefined ? {} : { inputs: given }),
      ...(project === undefined ? {} : { project }),
    });
    return answer as unknown as { run: RunAnswer; ready: TaskLine[] };
  }

  async claim(agent: string, where: Record<string, unknown>): Promise<ClaimAnswer> {
    return (await this.app.call("claim_task", { agent, ...where })) as unknown as ClaimAnswer;
  }

  /** Claims and must get something. */
  async take(agent: string, where: Record<string, unknown>): Promise<{ id: string; key: string; token: number }> {
    const claim = await this.claim(agent, where);
    if (claim.outcome !== "claimed" || !claim.task || !claim.lease) {
      throw new Error(`${agent} got nothing: ${claim.reason}`);
    }
    return { id: claim.task.id, key: claim.task.key, token: claim.lease.token };
  }

  async complete(
    held: { id: string; token: number },
    result?: unknown,
  ): Promise<{ ready: TaskLine[]; run: RunAnswer }> {
    const answer = await this.app.call("complete_task", {
      task: held.id,
      token: held.token,
      ...(result === undefined ? {} : { result }),
    });
    return answer as unknown as { ready: TaskLine[]; run: RunAnswer };
  }

  async fail(held: { id: string; token: number }, type = "broken", rest: Record<string, unknown> = {}) {
    return (await this.app.call("fail_task", {
      task: held.id,
      token: held.token,
      error: { type, message: `${type} it is` },
      ...rest,
    })) as unknown as { outcome: string; retry_at?: string; blocked: string[]; run: RunAnswer; task: TaskLine };
  }

  async run(id: string): Promise<RunAnswer> {
    return ((await this.app.call("get_run", { run: id })) as unknown as { run: RunAnswer }).run;
  }

  /** Status of every task of a run by its key. */
  async statuses(run: string): Promise<Record<string, string>> {
    const { tasks } = (await this.app.call("list_tasks", { run, limit: 200 })) as unknown as { tasks: TaskLine[] };
    return Object.fromEntries(tasks.map((task) => [task.key, task.status]));
  }
}
