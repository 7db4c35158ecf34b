import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import type { AgentNews, AgentOrders, Go } from "./agent.js";

/** How long agents that have been asked to end may take before they are killed. */
const END_MS_MAX = 5_000;
const COMPLAINT_CHARS_MAX = 4_000;

/** The agents' processes. Each has started its own server; none outlives this one. */
export class Crew {
  readonly #members = new Map<string, Member>();

  /** Starts an agent's process; settles once it is connected to its server. It begins when it is told `go`. */
  async start(program: "planner" | "worker", orders: AgentOrders): Promise<Member> {
    const member = new Member(program, orders);
    this.#members.set(orders.name, member);
    await member.connected;
    return member;
  }

  /** kill -9 of an agent and of its server. */
  kill(name: string): void {
    this.#members.get(name)?.kill();
  }

  /** Rejects as soon as an agent ends that was not meant to. */
  get trouble(): Promise<never> {
    return Promise.race([...this.#members.values()].map(({ trouble }) => trouble));
  }

  /** Waits for all to end by themselves. */
  async ended(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.ended));
  }

  /** Ends whatever still runs: the agents, and with them their servers. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.stop()));
  }
}

export class Member {
  readonly name: string;
  /** The server's process id. */
  readonly connected: Promise<number>;
  /** The run that a planner has started. */
  readonly planned: Promise<string>;
  readonly ended: Promise<void>;
  readonly trouble: Promise<never>;
  readonly #child: ChildProcess;
  #server: number | undefined;
  #complaints = "";
  #meantToEnd = false;

  constructor(program: string, orders: AgentOrders) {
    this.name = orders.name;
    this.#child = spawn(process.execPath, [path.join(import.meta.dirname, `${program}.js`), JSON.stringify(orders)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    // Complaints of an agent and its server are shown only when one of them fails.
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-COMPLAINT_CHARS_MAX);
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.connected = this.#news((news) => (news.kind === "connected" ? news.server : undefined));
    this.planned = this.#news((news) => (news.kind === "planned" ? news.run : undefined));
    this.trouble = new Promise((_, reject) => {
      this.#child.once("exit", (code, by) => {
        // A worker that ends well has closed its server first.
        if (code === 0) this.#server = undefined;
        else if (!this.#meantToEnd) reject(this.#failure(`ended with ${by ?? code}`));
      });
    });
    // Each awaiting caller hears of the failure; a promise without one must not end the process.
    for (const promise of [this.connected, this.planned, this.trouble]) promise.catch(() => {});
    void this.connected.then(
      (server) => (this.#server = server),
      () => {},
    );
  }

  go(go: Go = {}): void {
    this.#child.send(go);
  }

  /** kill -9, of the agent and of its server at once: neither can say good-bye. */
  kill(): void {
    this.#meantToEnd = true;
    this.#child.kill("SIGKILL");
    if (this.#server !== undefined) signal(this.#server, "SIGKILL");
    // Its number may soon be another process's.
    this.#server = undefined;
  }

  async stop(): Promise<void> {
    this.#meantToEnd = true;
    // The agent's end closes its server's input, which ends the server.
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    const deadline = performance.now() + END_MS_MAX;
    while (this.#server !== undefined && signal(this.#server, 0)) {
      if (performance.now() > deadline) signal(this.#server, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #news<T>(pick: (news: AgentNews) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#child.on("message", (news) => {
        const picked = pick(news as AgentNews);
        if (picked !== undefined) resolve(picked);
      });
      this.#child.once("exit", () => reject(this.#failure("ended too early")));
    });
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}${this.#complaints === "" ? "" : `:\n${this.#complaints.trim()}`}`);
  }
}

/** False where there is no such process any more. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
