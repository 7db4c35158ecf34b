import type { TestApp } from "./app.js";
import type { RunAnswer, TaskLine } from "./plan.js";

export interface Checkpoint {
  readonly id: string;
  readonly kind: string;
  readonly label?: string;
  readonly tasks: number;
  readonly size_bytes: number;
  readonly counts: Record<string, number>;
  readonly since?: { tasks_added: number; attempts: number; counts: Record<string, number>; cursor: string };
}

export interface Resumed {
  readonly run: RunAnswer & { name: string; revision: number };
  readonly ready: TaskLine[];
  readonly fenced?: { key: string; agent: string; token: number }[];
  readonly fenced_total?: number;
  readonly restored?: number;
  readonly superseded?: number;
  readonly dropped_signals?: number;
  readonly carried_results?: number;
  readonly notes: string[];
}

/** The operations on checkpoints, as a lead calls them. */
export class CheckpointDesk {
  constructor(readonly app: TestApp) {}

  async create(run: string, label?: string): Promise<{ checkpoint: Checkpoint; removed: string[] }> {
    const answer = await this.app.call("create_checkpoint", { run, ...(label === undefined ? {} : { label }) });
    return answer as unknown as { checkpoint: Checkpoint; removed: string[] };
  }

  async list(run: string): Promise<Checkpoint[]> {
    return (await this.app.call("list_checkpoints", { run }))["checkpoints"] as Checkpoint[];
  }

  async resume(checkpoint: string, as = "in_place"): Promise<Resumed> {
    return (await this.app.call("resume_from_checkpoint", { checkpoint, as, agent: "lead" })) as unknown as Resumed;
  }
}
