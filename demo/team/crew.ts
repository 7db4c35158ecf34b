import path from "node:path";
import { allGone, ClientProcess } from "./client-process.js";
import type { ClientName, Go, News, Orders } from "./orders.js";

const CLIENT = path.join(import.meta.dirname, "client.js");

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

export class Member extends ClientProcess<News> {
  /** The run that this client has started. */
  readonly planned: Promise<string>;

  constructor(orders: Orders, onNews: (news: News) => void) {
    super({ name: orders.name, file: CLIENT, orders }, onNews);
    this.planned = this.news((news) => (news.kind === "planned" ? news.run : undefined));
  }

  go(go: Go = {}): void {
    this.send(go);
  }
}
