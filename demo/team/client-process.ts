import { type ChildProcess, spawn } from "node:child_process";

/** How long processes that have been asked to end may take before the demo gives up. */
const END_MS_MAX = 5_000;
const COMPLAINT_CHARS_MAX = 4_000;

/** A message from a client's process; the first is `connected`, with the process id of its server. */
type ClientNews = { readonly kind: string } | { readonly kind: "connected"; readonly server: number };

export interface Program {
  /** For people. */
  readonly name: string;
  readonly file: string;
  /** Its only argument, as JSON. */
  readonly orders: unknown;
}

/** The process of a client and all that it starts. It does not outlive this process. */
export class ClientProcess<News extends ClientNews> {
  /** The server's process id. */
  readonly connected: Promise<number>;
  readonly ended: Promise<void>;
  readonly trouble: Promise<never>;
  readonly #name: string;
  readonly #child: ChildProcess;
  #server: number | undefined;
  #complaints = "";
  #meantToEnd = false;

  constructor({ name, file, orders }: Program, onNews: (news: News) => void) {
    this.#name = name;
    this.#child = spawn(process.execPath, [file, JSON.stringify(orders)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A process group of its own: a kill meets the client, its server, its hooks and its git.
      detached: true,
    });
    // Complaints of a client and its server are shown only when one of them fails.
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-COMPLAINT_CHARS_MAX);
    });
    this.ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.connected = this.news((news) => ("server" in news ? news.server : undefined));
    this.#child.on("message", onNews);
    this.trouble = new Promise((_, reject) => {
      this.#child.once("exit", (code, by) => {
        if (code !== 0 && !this.#meantToEnd) reject(this.#failure(`ended with ${by ?? code}`));
      });
    });
    this.trouble.catch(() => {});
    void this.connected.then(
      (server) => (this.#server = server),
      () => {},
    );
  }

  /** Settles with what `pick` takes from the first message that has it; rejects when the process ends before. */
  news<T>(pick: (news: News) => T | undefined): Promise<T> {
    const picked = new Promise<T>((resolve, reject) => {
      this.#child.on("message", (news: News) => {
        const found = pick(news);
        if (found !== undefined) resolve(found);
      });
      this.#child.once("exit", () => reject(this.#failure("ended too early")));
    });
    // Each awaiting caller hears of the failure; a promise without one must not end the process.
    picked.catch(() => {});
    return picked;
  }

  send(message: object): void {
    this.#child.send(message);
  }

  /** Sends kill -9 to the client and all that it has started; returns the processes of the client and its server. */
  kill(): number[] {
    this.#meantToEnd = true;
    const { pid, exitCode, signalCode } = this.#child;
    // The number of a process that has ended may be another's by now.
    if (pid === undefined || exitCode !== null || signalCode !== null) return [];
    signal(-pid, "SIGKILL");
    return this.#server === undefined ? [pid] : [pid, this.#server];
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
