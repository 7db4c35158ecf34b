import { type AgentOrders, STALLED_PERCENT } from "./team/agent.js";
import { Baton, type Place } from "./team/baton.js";
import type { Board } from "./show/board.js";
import { Crew, type Member } from "./team/crew.js";
import { follow, type HistoryEvent } from "./show/feed.js";
import { HoldUps } from "./hold-ups.js";
import { Story } from "./story.js";

export const PLANNER = "planner";
/** The one that is killed. It begins first: the others might leave it nothing to be killed at. */
const VICTIM = "cyd";
const OTHERS = ["ada", "ben"] as const;
export const AGENTS = [PLANNER, ...OTHERS, VICTIM] as const;

export interface DemoOptions {
  readonly place: Place;
  readonly modules_max: number | undefined;
  readonly pace_ms: number;
  /** Which of its own tasks the worker is killed at, counted from 1. */
  readonly stall_at: number;
}

/** The run itself: starts the agents, watches the history, and kills one of them when it holds a task. */
export class Demo {
  readonly story = new Story();
  readonly crew = new Crew();
  readonly #options: DemoOptions;
  readonly #board: Board;
  readonly #holdUps = new HoldUps();
  #heldUpBefore = 0;
  #waiting: readonly Member[] = [];
  run = "";

  constructor(options: DemoOptions, board: Board) {
    this.#options = options;
    this.#board = board;
  }

  /** Settles when the run has ended and all agents with it; gives the connection it watched through. */
  async perform(): Promise<Baton> {
    const { place } = this.#options;
    const [observer, planner, victim, ...others] = await Promise.all([
      Baton.connect(place, "observer"),
      this.crew.start("planner", { ...this.#orders(PLANNER), serverArgs: ["--allow-commands"] }),
      this.crew.start("worker", this.#orders(VICTIM)),
      ...OTHERS.map((name) => this.crew.start("worker", this.#orders(name))),
    ]);
    planner.go();
    this.run = await planner.planned;
    this.#board.open(this.story, AGENTS);
    this.#waiting = others;
    victim.go({ run: this.run });
    await Promise.race([this.#watch(observer), this.crew.trouble]);
    await this.crew.ended();
    this.#holdUps.close();
    this.#board.close();
    return observer;
  }

  async #watch(observer: Baton): Promise<void> {
    for await (const event of follow(observer, this.run)) {
      const note = this.story.add(event);
      if (note) this.#board.note(note);
      if (event.type === "task.claimed" && event.agent === VICTIM) this.#beginAll();
      if (isStalled(event)) await this.#kill(observer, event);
    }
  }

  #beginAll(): void {
    for (const worker of this.#waiting) worker.go({ run: this.run });
    this.#waiting = [];
  }

  /** For how long the machine has held this process up since the kill. */
  get heldUpMs(): number {
    return this.#holdUps.totalMs - this.#heldUpBefore;
  }

  /** kill -9 while it holds the task with its page locked: Baton itself says that it does. */
  async #kill(observer: Baton, { task }: HistoryEvent): Promise<void> {
    const { locks } = await observer.query("list_file_locks", { agent: VICTIM, run: this.run });
    const page = locks.find((lock) => lock.task === task);
    if (!page) throw new Error(`${VICTIM} holds a task without a lock on its page`);
    const at = Date.now();
    this.#heldUpBefore = this.#holdUps.totalMs;
    this.crew.kill(VICTIM);
    this.story.kill(VICTIM, at);
    this.#board.killed(VICTIM);
    const text = `killed with -9, and its server, while it holds ${page.path}`;
    this.#board.note({ at, agent: VICTIM, text, tone: "bad" });
  }

  #orders(name: string): AgentOrders {
    const { place, pace_ms, modules_max } = this.#options;
    const orders = { place, name, serverArgs: [], pace_ms, modules_max };
    return name === VICTIM ? { ...orders, stall_at: this.#options.stall_at } : orders;
  }
}

function isStalled({ type, agent, data }: HistoryEvent): boolean {
  return type === "task.progress" && agent === VICTIM && data.percent === STALLED_PERCENT;
}
