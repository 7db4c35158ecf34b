import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import type { ClientName, Go, News, Orders } from "./orders.js";

/** How long processes that have been asked to end may take before the demo gives up. */
const END_MS_MAX = 5_000;
const COMPLAINT_CHARS_MAX = 4_000;

/** The clients' processes. Each starts its own server; none outlives this process. */
export class Crew {
  readonly #members = new Map<ClientName, Member>();
  readonly #onNews: (client: ClientName, news: News) => void;

  constructor(onNews: (client: ClientName, news: News) => void) {
    this.#onNews = onNews;
  }

  /** Starts a client's process; settles once it is connected to its server. It begins when it is told `go`. */
  async start(orders: Orders): Promise<Member> {
    const member = new Member(orders, (news) => this.#onNews(orders.name, news));
    this.#members.set(orders.name, member);
    await member.connected;
    return member;
  }

  /** Sends kill -9 to every client and to all that it has started; returns the processes of the clients and their servers. */
  kill(): number[] {
    return [...this.#members.values()].flatMap((member) => member.kill());
  }

  /** Rejects as soon as a client ends that was not meant to. */
  get trouble(): Promise<never> {
    return Promise.race([...this.#members.values()].map(({ trouble }) => trouble));
  }

  /** Waits for all to end by themselves. */
  async ended(): Promise<void> {
    await Promise.all([...this.#members.values()].map(({ ended }) => ended));
  }

  /** Ends whatever still runs. */
  async stop(): Promise<void> {
    await allGone(this.kill());
  }
}

export class Member {
  /** The server's process id. */
  readonly connected: Promise<number>;
  /** The run that this client has started. */
  readonly planned: Promise<string>;
  readonly ended: Promise<void>;
  readonly trouble: Promise<never>;
  readonly #name: string;
  readonly #child: ChildProcess;
  #server: number | undefined;
  #complaints = "";
  #meantToEnd = false;

  constructor(orders: Orders, onNews: (news: News) => void) {
    this.#name = orders.name;
    this.#child = spawn(process.execPath, [path.join(import.meta.dirname, "client.js"), JSON.stringify(orders)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A process group of its own: a kill meets the client, its server, its hooks and its git.
      detached: true,
    });
    // Complaints of a client and its server are shown only when one of them fails.
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-COMPLAINT_CHARS_MAX);
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.connected = this.#news((news) => (news.kind === "connected" ? news.server : undefined));
    this.planned = this.#news((news) => (news.kind === "planned" ? news.run : undefined));
    this.#child.on("message", onNews);
    this.trouble = new Promise((_, reject) => {
      this.#child.once("exit", (code, by) => {
        if (code !== 0 && !this.#meantToEnd) reject(this.#failure(`ended with ${by ?? code}`));
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

  kill(): number[] {
    this.#meantToEnd = true;
    const { pid, exitCode, signalCode } = this.#child;
    // The number of a process that has ended may be another's by now.
    if (pid === undefined || exitCode !== null || signalCode !== null) return [];
    signal(-pid, "SIGKILL");
    return this.#server === undefined ? [pid] : [pid, this.#server];
  }

  #news<T>(pick: (news: News) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#child.on("message", (news: News) => {
        const picked = pick(news);
        if (picked !== undefined) resolve(picked);
      });
      this.#child.once("exit", () => reject(this.#failure("ended too early")));
    });
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}${this.#complaints === "" ? "" : `:\n${this.#complaints.trim()}`}`);
  }
}

/** Waits until none of these processes runs any more. */
export async function allGone(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + END_MS_MAX;
  for (const pid of pids)
    while (signal(pid, 0)) {
      if (performance.now() > deadline) throw new Error(`process ${pid} outlives kill -9`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** False where there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
