import type { HistoryEvent } from "./show/feed.js";

/** One attempt of an agent at a task, as the history tells it. Milliseconds since the epoch. */
export interface Stint {
  readonly key: string;
  /** The handle that Baton gave: `codex-3f2a`. */
  readonly agent: string;
  readonly attempt: number;
  readonly from: number;
  to?: number;
  /** When its client was killed at it. */
  killedAt?: number;
  /** When the client had it back after that. */
  resumedAt?: number;
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

/** The row of servers that run a command step. */
export const SERVER = "server";

/** The client behind a handle: `claude-code-3f2a` is a conversation of claude-code, `executor-host-1b2c` a server itself. */
export function clientOf(agent: string): string {
  return agent.startsWith("executor-") ? SERVER : agent.replace(/-[0-9a-f]{4}$/, "");
}

/** The story of a run so far, told by its events alone. */
export class Story {
  readonly stints: Stint[] = [];
  readonly waits: Wait[] = [];
  total = 0;
  status = "running";
  startedAt = 0;
  endedAt = 0;
  killedAt = 0;
  /** When the clients were started again. */
  restartedAt = 0;
  /** When all of them were connected again. */
  connectedAt = 0;
  readonly #percents = new Map<string, number>();
  /** The holder of each path. */
  readonly #holders = new Map<string, string>();

  get done(): number {
    return this.stints.filter(({ outcome }) => outcome === "succeeded").length;
  }

  /** Returns the task a client works on now. */
  current(client: string): { readonly stint: Stint; readonly percent: number } | undefined {
    const stint = this.stints.findLast((one) => clientOf(one.agent) === client && one.outcome === "running");
    return stint && { stint, percent: this.#percents.get(stint.key) ?? 0 };
  }

  /** Returns the file that a client stands in line for now. */
  waitsFor(client: string): string | undefined {
    return this.waits.find(({ agent, to }) => clientOf(agent) === client && to === undefined)?.path;
  }

  holderOf(path: string): string | undefined {
    return this.#holders.get(path);
  }

  /** Records the kill of everything, which no event tells; returns the keys of the tasks that were under way. */
  kill(at: number): string[] {
    this.killedAt = at;
    const running = this.stints.filter(({ outcome }) => outcome === "running");
    for (const stint of running) stint.killedAt = at;
    return running.map(({ key }) => key);
  }

  /** Takes an event in; returns the line to show for it, where it is worth one. */
  add(event: HistoryEvent): Note | undefined {
    const said = this.#tell(event);
    if (said === undefined) return undefined;
    const [text, tone = "plain"] = said;
    const agent = IMPERSONAL.has(event.type) ? "" : clientOf(event.agent ?? "");
    return { at: event.at, agent, text, tone };
  }

  #tell(event: HistoryEvent): [text: string, tone?: Tone] | undefined {
    const { type, data, at, agent = "" } = event;
    const key = data.key ?? "";
    switch (type) {
      case "run.started":
        this.total = data.tasks ?? 0;
        this.startedAt = at;
        return [`submits a plan of ${this.total} tasks`];
      case "task.claimed":
        return this.#claimed(event, key);
      case "task.resumed":
        return this.#resumed(event, key);
      case "task.progress":
        this.#percents.set(key, data.percent ?? 0);
        return undefined;
      case "task.succeeded":
        return [`finishes ${key} after ${seconds(this.#end(event, key))}`, "good"];
      case "task.lease_lost":
        this.#end(event, key);
        return [`${agent} has not come back under this name: ${key} is ready again, its page unlocked`, "notice"];
      case "task.retry":
      case "task.dead_letter":
      case "task.released":
        this.#end(event, key);
        return [`${type === "task.released" ? "gives back" : "fails at"} ${key}`, "bad"];
      case "lock.queued":
        for (const path of data.paths ?? []) this.waits.push({ agent, path, from: at });
        return [`waits for ${listed(data.paths)}, which ${this.#holdersOf(data.paths)} holds`];
      case "lock.granted":
        this.#locked(event);
        return undefined;
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

  #claimed({ at, agent = "", data }: HistoryEvent, key: string): [string, Tone?] {
    const attempt = data.attempt ?? 1;
    const before = this.stints.findLast((stint) => stint.key === key);
    this.stints.push({ key, agent, attempt, from: at, outcome: "running" });
    this.#percents.set(key, 0);
    if (clientOf(agent) === SERVER) return [`runs ${key}`];
    if (before && before.agent !== agent) return [`takes ${key} over from ${before.agent}, attempt ${attempt}`, "good"];
    const page = [...this.#holders].findLast(([, holder]) => holder === agent)?.[0];
    return [`claims ${key}${page === undefined ? "" : `, ${page} locked`}`];
  }

  #resumed({ at }: HistoryEvent, key: string): [string, Tone?] | undefined {
    const stint = this.stints.findLast((one) => one.key === key && one.outcome === "running");
    if (!stint) return undefined;
    stint.resumedAt = at;
    return [`has ${key} back, its page still locked for it, ${seconds(at - this.restartedAt)} after the start`, "good"];
  }

  #locked({ at, agent = "", data }: HistoryEvent): void {
    for (const { path } of data.locks ?? []) {
      this.#holders.delete(path);
      this.#holders.set(path, agent);
      const wait = this.waits.findLast((one) => one.agent === agent && one.path === path && one.to === undefined);
      if (wait) wait.to = at;
    }
  }

  /** Ends the open stint at a task; returns how long it took. */
  #end(event: HistoryEvent, key: string): number {
    const stint = this.stints.findLast((one) => one.key === key && one.outcome === "running");
    if (!stint) return 0;
    stint.to = event.at;
    stint.outcome = OUTCOMES[event.type] ?? "failed";
    return event.at - stint.from;
  }

  #holdersOf(paths: readonly string[] = []): string {
    return listed(paths.map((path) => clientOf(this.#holders.get(path) ?? "another")));
  }
}

function listed(texts: readonly string[] = []): string {
  return texts.join(", ");
}

/** `1.4 s`, `25 ms` */
export function seconds(ms: number): string {
  return ms > 0 && ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
