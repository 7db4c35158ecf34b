import { randomUUID } from "node:crypto";
import path from "node:path";
import type { Board } from "../show/board.js";
import { Feed, type HistoryEvent } from "../show/feed.js";
import { Baton, type Place } from "../team/baton.js";
import { allGone, ClientProcess, signal } from "../team/client-process.js";
import { type Go, type MemberName, MEMBERS, type News, type Orders } from "./orders.js";
import { narrated } from "./narration.js";
import { Person } from "./person.js";
import { LAST_KEYS } from "./plan.js";

const PROGRAM = path.join(import.meta.dirname, "member.js");
const OBSERVER = { name: "observer", conversation: "" };
/** In US dollars: more than the work costs, less than a forecast without history expects it to cost. */
const BUDGET = 0.3;
const CONDITION = "Say at the end what was spent, by agent";

export interface ScenarioOptions {
  readonly place: Place;
  readonly pace_ms: number;
}

type Process = ClientProcess<News>;

/** The whole of it: four members and a person plan, work, ask, decide, are killed and go on. */
export class Scenario {
  readonly events: HistoryEvent[] = [];
  run = "";
  readonly #options: ScenarioOptions;
  readonly #board: Board;
  readonly #person: Person;
  readonly #conversations = new Map(MEMBERS.map((name) => [name, randomUUID()]));
  readonly #processes = new Map<MemberName, Process>();

  constructor(options: ScenarioOptions, board: Board) {
    this.#options = options;
    this.#board = board;
    this.#person = new Person(options.place);
  }

  /** Settles when the run has ended and all members with it; returns the connection it watched through. */
  async perform(): Promise<Baton> {
    const { place } = this.#options;
    const [planner, ...others] = MEMBERS.map((name) => [name, this.#start(name)] as const);
    if (!planner) throw new Error("there is no planner");
    const observer = await Baton.connect(place, OBSERVER);
    planner[1].send({} satisfies Go);
    this.run = await planner[1].news((news) => (news.kind === "planned" ? news.run : undefined));
    await this.#person.baton("call", "set_budget", "--run", this.run, "--limit", String(BUDGET));
    this.#note("person", `sets a budget of $${BUDGET}`);
    planner[1].send({} satisfies Go);
    for (const [, member] of others) member.send({ run: this.run } satisfies Go);
    const feed = new Feed(this.run);
    await Promise.race([this.#watch(feed, observer, () => this.#lastAreUnderWay()), this.#trouble]);
    const { checkpoint } = await observer.operate("create_checkpoint", { run: this.run, label: "before the end" });
    await this.#killEverything(observer);
    const again = await Baton.connect(place, OBSERVER);
    await again.operate("resume_from_checkpoint", { checkpoint: checkpoint.id });
    for (const name of MEMBERS) this.#start(name, this.run);
    await Promise.race([this.#watch(feed, again, () => false), this.#trouble]);
    await Promise.all([...this.#processes.values()].map(({ ended }) => ended));
    return again;
  }

  /** Ends whatever still runs. */
  async stop(): Promise<void> {
    await allGone(this.#kill());
  }

  get #trouble(): Promise<never> {
    return Promise.race([...this.#processes.values()].map(({ trouble }) => trouble));
  }

  #start(name: MemberName, run?: string): Process {
    const { place, pace_ms } = this.#options;
    const orders: Orders = {
      name,
      place,
      pace_ms,
      conversation: this.#conversations.get(name) ?? "",
      // One server may run the plan's own command: a server takes no commands unless a person allows them.
      serverArgs: name === "claude-code" ? ["--allow-commands"] : [],
      ...(run === undefined ? {} : { run }),
    };
    const started = new ClientProcess<News>({ name, file: PROGRAM, orders }, (news) => {
      if (news.kind === "said") this.#note(name, news.text);
    });
    this.#processes.set(name, started);
    return started;
  }

  async #watch(feed: Feed, observer: Baton, isOver: () => boolean): Promise<void> {
    for await (const event of feed.follow(observer)) {
      this.events.push(event);
      const note = narrated(event);
      if (note) this.#board.note(note);
      if (event.type === "escalation.opened") void this.#decide();
      if (isOver()) return;
    }
  }

  /** The person decides what waits for them. */
  async #decide(): Promise<void> {
    for (const { id } of await this.#person.questions())
      await this.#person.baton("approve", id, "--condition", CONDITION);
  }

  #lastAreUnderWay(): boolean {
    const started = this.events.filter(
      ({ type, data }) => type === "task.progress" && LAST_KEYS.includes(data.key ?? ""),
    );
    return new Set(started.map(({ data }) => data.key)).size === LAST_KEYS.length;
  }

  #kill(): number[] {
    return [...this.#processes.values()].flatMap((one) => one.kill());
  }

  async #killEverything(observer: Baton): Promise<void> {
    const killed = [...this.#kill(), observer.server];
    signal(observer.server, "SIGKILL");
    await allGone(killed);
    this.#note("", `kill -9 of everything at once: ${MEMBERS.length} members and ${MEMBERS.length + 1} servers`, "bad");
  }

  #note(agent: string, text: string, tone: "notice" | "bad" = "notice"): void {
    this.#board.note({ at: Date.now(), agent, text, tone });
  }
}
