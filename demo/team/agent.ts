import { setTimeout as pause } from "node:timers/promises";
import { Baton, type Place } from "./baton.js";

/** Orders of an agent's process, given as its only argument. */
export interface AgentOrders {
  readonly place: Place;
  readonly name: string;
  /** Arguments of its server. */
  readonly serverArgs: readonly string[];
  /** How long an agent pauses in each task, where an assistant would think. */
  readonly pace_ms: number;
  /** The planner plans at most so many modules; without it, all. */
  readonly modules_max: number | undefined;
  /** A worker stops in the middle of this task of its own, counted from 1, and never goes on. */
  readonly stall_at?: number | undefined;
}

/** The last progress that a stopped worker reported; no other report is equal to it. */
export const STALLED_PERCENT = 51;

/** That it may begin; a worker is told the run to work in, the planner starts it. */
export interface Go {
  readonly run?: string;
}

/** Messages from an agent's process to the demo. */
export type AgentNews =
  | { readonly kind: "connected"; readonly server: number }
  | { readonly kind: "planned"; readonly run: string };

/** A task that this agent holds: everything said about it carries its token. */
export interface Held {
  readonly id: string;
  readonly key: string;
  readonly token: number;
  readonly attempt: number;
  /** The inputs of the run. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly { readonly key: string; readonly result?: unknown }[];
}

const CLAIM_WAIT_SECONDS = 30;
const LOCK_WAIT_SECONDS = 30;

/** One agent: a process with its own connection to Baton. It works as an assistant does, claim by claim. */
export class Agent {
  readonly orders: AgentOrders;
  readonly baton: Baton;

  private constructor(orders: AgentOrders, baton: Baton) {
    this.orders = orders;
    this.baton = baton;
  }

  /** Connects, tells the demo so, and waits until it may begin. */
  static async start(): Promise<{ agent: Agent; go: Go }> {
    const orders = JSON.parse(process.argv[2] ?? "null") as AgentOrders;
    // An agent does not outlive the demo, whatever ends that.
    process.once("disconnect", outlived);
    const baton = await Baton.connect(orders.place, orders.name, orders.serverArgs);
    const told = new Promise<Go>((resolve) => process.once("message", (go) => resolve(go as Go)));
    tell({ kind: "connected", server: baton.server });
    return { agent: new Agent(orders, baton), go: await told };
  }

  /** Ends this process and its server in good order. */
  async leave(): Promise<void> {
    await this.baton.close();
    process.off("disconnect", outlived);
    process.disconnect();
  }

  /** Claims task after task that asks for this role, until the run has ended. */
  async work(run: string, role: string, perform: (held: Held) => Promise<unknown>): Promise<void> {
    for (;;) {
      const held = await this.claim(run, role);
      if (held === "over") return;
      if (held !== "nothing") await this.#finish(held, perform);
    }
  }

  async claim(run: string, role: string): Promise<Held | "nothing" | "over"> {
    const wanted = { run, roles: [role], wait_seconds: CLAIM_WAIT_SECONDS, agent: this.orders.name };
    const { task, lease, reason, retry_after_ms } = await this.baton.call("claim_task", wanted);
    if (task && lease) return { ...task, inputs: task.inputs ?? {}, token: lease.token };
    if (reason === "run_finished") return "over";
    // An answer before the time is over says when to look again.
    await pause(Math.min(retry_after_ms ?? 100, 1_000));
    return "nothing";
  }

  async #finish(held: Held, perform: (held: Held) => Promise<unknown>): Promise<void> {
    try {
      const result = await perform(held);
      await this.baton.call("complete_task", { ...this.#holding(held), result });
    } catch (error) {
      const said = error instanceof Error ? error : new Error(String(error));
      const told = { type: said.name, message: said.message || said.name };
      await this.baton.call("fail_task", { ...this.#holding(held), error: told });
    }
  }

  async report(held: Held, percent: number, note: string): Promise<void> {
    await this.baton.call("report_progress", { ...this.#holding(held), percent, note });
  }

  /** Changes a file that other agents write too, while this agent alone holds it. */
  async withLock(held: Held, file: string, act: () => Promise<void>): Promise<void> {
    const locked = { paths: [file], task: held.id, agent: this.orders.name };
    const wanted = { ...locked, wait_seconds: LOCK_WAIT_SECONDS, reason: `adds the row of ${held.key}` };
    const { outcome } = await this.baton.call("acquire_file_lock", wanted);
    if (outcome !== "granted") throw new Error(`${file} could not be locked: ${outcome}`);
    await act();
    await this.baton.call("release_file_lock", locked);
  }

  #holding({ id, token }: Held): { task: string; token: number; agent: string } {
    return { task: id, token, agent: this.orders.name };
  }
}

function outlived(): void {
  process.exit(1);
}

export function tell(news: AgentNews): void {
  process.send?.(news);
}
