import type { HistoryEvent } from "./show/feed.js";

/** One try of an agent at a task, as the history tells it. Milliseconds since the epoch. */
export interface Stint {
  readonly key: string;
  readonly agent: string;
  readonly attempt: number;
  readonly from: number;
  to?: number;
  /** When its agent was killed at it. */
  killedAt?: number;
  outcome: "running" | "succeeded" | "failed" | "lost";
}

/** How long an agent stood in line for a file that another held. */
export interface Wait {
  readonly agent: string;
  readonly path: string;
  readonly from: number;
  to?: number;
}

export type Tone = "plain" | "good" | "bad" | "notice";

/** A line for the audience. */
export interface Note {
  readonly at: number;
  readonly agent: string;
  readonly text: string;
  readonly tone: Tone;
}

const OUTCOMES: Readonly<Record<string, Stint["outcome"]>> = {
  "task.succeeded": "succeeded",
  "task.lease_lost": "lost",
  "task.retry": "failed",
  "task.dead_letter": "failed",
  "task.released": "failed",
};

/** Events without an acting agent. */
const IMPERSONAL: ReadonlySet<string> = new Set(["task.lease_lost", "run.finished"]);

/** One name for every executor that runs steps for a server. */
const EXECUTOR = "executor";

/** The story of a run so far, told by its events alone. */
export class Story {
  readonly stints: Stint[] = [];
  readonly waits: Wait[] = [];
  total = 0;
  status = "running";
  startedAt = 0;
  endedAt = 0;
  readonly #percents = new Map<string, number>();
  /** The holder of each path. */
  readonly #holders = new Map<string, string>();

  get done(): number {
    return this.stints.filter(({ outcome }) => outcome === "succeeded").length;
  }

  /** Returns the task an agent works on now. */
  current(agent: string): { readonly stint: Stint; readonly percent: number } | undefined {
    const stint = this.stints.findLast((one) => one.agent === agent && one.outcome === "running");
    return stint && { stint, percent: this.#percents.get(stint.key) ?? 0 };
  }

  /** The file that an agent stands in line for now. */
  waitsFor(agent: string): string | undefined {
    return this.waits.find((wait) => wait.agent === agent && wait.to === undefined)?.path;
  }

  holderOf(path: string): string | undefined {
    return this.#holders.get(path);
  }

  /** Records the kill of an agent, which no event tells. */
  kill(agent: string, at: number): void {
    const work = this.current(agent);
    if (work) work.stint.killedAt = at;
  }

  /** Takes an event in; gives the line to show for it, where it is worth one. */
  add(event: HistoryEvent): Note | undefined {
    const said = this.#tell(event);
    if (said === undefined) return undefined;
    const [text, tone = "plain"] = said;
    return { at: event.at, agent: IMPERSONAL.has(event.type) ? "" : this.#actor(event), text, tone };
  }

  #tell(event: HistoryEvent): [text: string, tone?: Tone] | undefined {
    const { type, data, at } = event;
    const key = data.key ?? "";
    switch (type) {
      case "run.started":
        this.total = data.tasks ?? 0;
        this.startedAt = at;
        return [`submits a plan of ${this.total} tasks`];
      case "task.claimed":
        return this.#claimed(event, key);
      case "task.progress":
        this.#percents.set(key, data.percent ?? 0);
        return undefined;
      case "task.succeeded":
        return [`finishes ${key} after ${seconds(this.#end(event, key))}`, "good"];
      case "task.lease_lost":
        this.#end(event, key);
        return [`lease of ${this.#actor(event)} is over: ${key} is ready again, its page unlocked`, "notice"];
      case "task.retry":
      case "task.dead_letter":
      case "task.released":
        this.#end(event, key);
        return [`${type === "task.released" ? "gives back" : "fails at"} ${key}`, "bad"];
      case "lock.queued":
        for (const path of data.paths ?? []) this.waits.push({ agent: this.#actor(event), path, from: at });
        return [`waits for ${listed(data.paths)}, which ${this.#holdersOf(data.paths)} holds`];
      case "lock.granted":
        return this.#locked(event);
      case "lock.released":
        for (const { path } of data.locks ?? []) this.#holders.delete(path);
        return undefined;
      case "run.finished":
        this.status = data.status ?? "finished";
        this.endedAt = at;
        return [`the run has ${this.status}`, this.status === "succeeded" ? "good" : "bad"];
      default:
        return undefined;
    }
  }

  #claimed(event: HistoryEvent, key: string): [string, Tone?] {
    const attempt = event.data.attempt ?? 1;
    const before = this.stints.findLast((stint) => stint.key === key);
    const agent = this.#actor(event);
    this.stints.push({ key, agent, attempt, from: event.at, outcome: "running" });
    this.#percents.set(key, 0);
    if (agent === EXECUTOR) return [`runs ${key}`];
    if (before && before.agent !== agent) return [`takes ${key} over from ${before.agent}, attempt ${attempt}`, "good"];
    const page = [...this.#holders].findLast(([, holder]) => holder === agent)?.[0];
    return [`claims ${key}${page === undefined ? "" : `, ${page} locked`}`];
  }

  #locked(event: HistoryEvent): [string, Tone?] | undefined {
    const agent = this.#actor(event);
    for (const { path } of event.data.locks ?? []) {
      this.#holders.delete(path);
      this.#holders.set(path, agent);
      const wait = this.waits.findLast((one) => one.agent === agent && one.path === path && one.to === undefined);
      if (wait) wait.to = event.at;
    }
    return undefined;
  }

  /** Ends the open stint at a task; gives how long it took. */
  #end(event: HistoryEvent, key: string): number {
    const stint = this.stints.findLast((one) => one.key === key && one.outcome === "running");
    if (!stint) return 0;
    stint.to = event.at;
    stint.outcome = OUTCOMES[event.type] ?? "failed";
    return event.at - stint.from;
  }

  #holdersOf(paths: readonly string[] = []): string {
    return listed(paths.map((path) => this.#holders.get(path) ?? "somebody before it"));
  }

  #actor({ agent = "" }: HistoryEvent): string {
    return agent.startsWith(`${EXECUTOR}-`) ? EXECUTOR : agent;
  }
}

function listed(texts: readonly string[] = []): string {
  return texts.join(", ");
}

/** `1.4 s`, `25 ms` */
export function seconds(ms: number): string {
  return ms > 0 && ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
