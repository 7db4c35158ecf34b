import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { ResultOf } from "../../src/tools/registry.js";
import type { Baton } from "../team/baton.js";
import { CAST, type News, type Orders } from "./orders.js";
import { git } from "./repository.js";

const WAIT_SECONDS = 30;

export type Message = ResultOf<"read_messages">["messages"][number];

/** A task that a member holds, as its brief says: everything said about it carries its token. */
export interface Held {
  readonly brief: NonNullable<ResultOf<"claim_task">["task"]>;
  readonly token: number;
}

/** The means of a member: its connection to Baton, the files, git, and a line to the audience. */
export class Workplace {
  readonly baton: Baton;
  readonly orders: Orders;
  readonly #tell: (news: News) => void;

  constructor(baton: Baton, orders: Orders, tell: (news: News) => void) {
    this.baton = baton;
    this.orders = orders;
    this.#tell = tell;
  }

  get roles(): readonly string[] {
    return CAST[this.orders.name];
  }

  say(text: string): void {
    this.#tell({ kind: "said", text });
  }

  /** Pauses where a model would think. */
  async think(share = 1): Promise<void> {
    await pause(this.orders.pace_ms * share);
  }

  async read(file: string): Promise<string> {
    return readFile(path.join(this.orders.place.repository, file), "utf8").catch(() => "");
  }

  async write(file: string, text: string): Promise<void> {
    const place = path.join(this.orders.place.repository, file);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, text);
  }

  /** Adds a line to a file that several tasks share, under its lock. */
  async add(held: Held, file: string, line: string): Promise<void> {
    const { outcome } = await this.baton.call("acquire_file_lock", {
      paths: [file],
      task: held.brief.id,
      wait_seconds: WAIT_SECONDS,
    });
    if (outcome !== "granted") throw new Error(`${file} is ${outcome}`);
    await this.think(0.5);
    const before = await this.read(file);
    if (!before.includes(line)) await this.write(file, before + line);
    await this.commit(`Export from ${file}`, file);
    await this.baton.call("release_file_lock", { paths: [file] });
  }

  async commit(message: string, ...files: readonly string[]): Promise<void> {
    await git(this.orders.place, "add", "--", ...files);
    // A second try of the same work has nothing left to commit.
    if ((await git(this.orders.place, "status", "--porcelain", "--", ...files)) === "") return;
    await git(this.orders.place, "commit", "--quiet", "--message", message, "--", ...files);
  }

  /** Asks and waits for the reply; returns its body. */
  async ask(held: Held, to: string, body: string): Promise<string> {
    const { message } = await this.baton.call("send_message", { to, type: "question", body, task: held.brief.id });
    const reply = await this.#awaitMessage(({ reply_to }) => reply_to === message.id);
    return reply.body;
  }

  /** Waits for the answer to an escalation; returns it as the message says it. */
  async decided(escalation: string): Promise<Message> {
    return this.#awaitMessage(({ type, data }) => type === "answer" && escalationOf(data) === escalation);
  }

  async #awaitMessage(wanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const { messages } = await this.baton.call("read_messages", {});
      const found = messages.find((message) => wanted(message));
      if (found) {
        await this.baton.call("read_messages", { ack: [found.id] });
        return found;
      }
      await this.baton.call("wait_for", { kinds: ["message"], timeout_seconds: WAIT_SECONDS });
    }
  }
}

/** The escalation that a message is about. */
export function escalationOf(data: unknown): string | undefined {
  return typeof data === "object" && data !== null && "escalation" in data && typeof data.escalation === "string"
    ? data.escalation
    : undefined;
}
