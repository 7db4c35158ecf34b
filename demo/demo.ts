import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Board } from "./show/board.js";
import { Feed } from "./show/feed.js";
import { HoldUps } from "./hold-ups.js";
import { Story } from "./story.js";
import { Baton, type Place } from "./team/baton.js";
import { allGone, signal } from "./team/client-process.js";
import { Crew } from "./team/crew.js";
import {
  CLIENTS,
  type ClientName,
  type Edit,
  type News,
  type Orders,
  PAGE_PERCENT_MAX,
  type Refusal,
} from "./team/orders.js";

/** How long nothing runs: a person sees that all windows are gone, and opens them again. */
const DARK_MS = 2_000;
const TOLD_CHARS_MAX = 120;
const OBSERVER = { name: "observer", conversation: "" };

export interface DemoOptions {
  readonly place: Place;
  readonly modules_max: number;
  readonly pace_ms: number;
  /** Everything is killed once so many tasks are done and every client is in the middle of another. */
  readonly kill_after: number;
}

/** The run itself: starts the clients, watches the history, kills everything in the middle and starts it again. */
export class Demo {
  readonly story = new Story();
  readonly crew = new Crew((client, news) => this.#hear(client, news));
  /** Every edit that a client reported, in the order of the reports. */
  readonly edits: Edit[] = [];
  readonly refusals: Refusal[] = [];
  readonly #options: DemoOptions;
  readonly #board: Board;
  readonly #holdUps = new HoldUps();
  readonly #conversations = new Map(CLIENTS.map((name) => [name, randomUUID()]));
  #heldUpBefore = 0;
  run = "";

  constructor(options: DemoOptions, board: Board) {
    this.#options = options;
    this.#board = board;
  }

  /** Settles when the run has ended and all clients with it; returns the connection it watched through. */
  async perform(): Promise<Baton> {
    const { place } = this.#options;
    const [first, ...others] = CLIENTS;
    const [observer, planner, ...rest] = await Promise.all([
      Baton.connect(place, OBSERVER),
      this.crew.start(this.#orders(first)),
      ...others.map((name) => this.crew.start(this.#orders(name))),
    ]);
    planner.go();
    this.run = await planner.planned;
    for (const member of rest) member.go({ run: this.run });
    this.#board.open(this.story, CLIENTS);
    const feed = new Feed(this.run);
    await Promise.race([this.#watch(feed, observer, () => this.#allInTheMiddle()), this.crew.trouble]);
    if (this.story.endedAt > 0) throw new Error("the run ended before every client was in the middle of a task");
    await this.#killEverything(observer);
    await pause(DARK_MS);
    const again = await this.#startAgain();
    await Promise.race([this.#watch(feed, again, () => false), this.crew.trouble]);
    await this.crew.ended();
    this.#holdUps.close();
    this.#board.close();
    return again;
  }

  /** For how long the machine has held this process up since all were connected again. */
  get heldUpMs(): number {
    return this.#holdUps.totalMs - this.#heldUpBefore;
  }

  async #watch(feed: Feed, observer: Baton, isOver: () => boolean): Promise<void> {
    for await (const event of feed.follow(observer)) {
      const note = this.story.add(event);
      if (note) this.#board.note(note);
      if (isOver()) return;
    }
  }

  /** Whether every client works on a page of its own, and one has written a part of it. */
  #allInTheMiddle(): boolean {
    if (this.story.done < this.#options.kill_after) return false;
    const percents = CLIENTS.map((name) => this.story.current(name)?.percent ?? Infinity);
    return Math.max(...percents) < PAGE_PERCENT_MAX && percents.some((percent) => percent > 0);
  }

  async #killEverything(observer: Baton): Promise<void> {
    const at = Date.now();
    const killed = [...this.crew.kill(), observer.server];
    signal(observer.server, "SIGKILL");
    const unfinished = this.story.kill(at);
    const servers = killed.length - CLIENTS.length;
    const all = `${CLIENTS.length} clients and ${servers} servers, the one of this screen too`;
    this.#note(at, `kill -9 of everything at once: ${all}`, "bad");
    await allGone(killed);
    this.#note(Date.now(), `nothing runs any more; the pages ${unfinished.join(", ")} are not whole`, "bad");
  }

  async #startAgain(): Promise<Baton> {
    this.story.restartedAt = Date.now();
    this.#note(this.story.restartedAt, "the same three conversations are started again", "notice");
    const [observer] = await Promise.all([
      Baton.connect(this.#options.place, OBSERVER),
      ...CLIENTS.map(async (name) => {
        const member = await this.crew.start(this.#orders(name));
        member.go({ run: this.run });
      }),
    ]);
    this.story.connectedAt = Date.now();
    this.#heldUpBefore = this.#holdUps.totalMs;
    return observer;
  }

  #hear(agent: ClientName, news: News): void {
    if (news.kind === "edited") this.edits.push(news.edit);
    if (news.kind === "refused") {
      this.refusals.push(news.refusal);
      const { at, call, why } = news.refusal;
      this.#board.note({ at, agent, text: `is refused ${call}: ${shortened(why)}`, tone: "notice" });
    }
    if (news.kind === "told" && news.text !== "" && this.story.restartedAt > 0)
      this.#board.note({ at: Date.now(), agent, text: `is told by its hook: ${shortened(news.text)}`, tone: "notice" });
  }

  #note(at: number, text: string, tone: "bad" | "notice"): void {
    this.#board.note({ at, agent: "", text, tone });
  }

  #orders(name: ClientName): Orders {
    const { place, pace_ms, modules_max } = this.#options;
    // One server may run the plan's own command: a server takes no commands unless a person allows them.
    const serverArgs = name === CLIENTS[0] ? ["--allow-commands"] : [];
    const conversation = this.#conversations.get(name) ?? "";
    const again = this.story.restartedAt > 0;
    return { place, name, conversation, serverArgs, pace_ms, modules_max, again };
  }
}

/** The beginning of a text that was written for a model. */
function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= TOLD_CHARS_MAX ? line : `${line.slice(0, TOLD_CHARS_MAX - 2)} …`;
}
