import path from "node:path";
import { App, type AppOptions } from "../../../src/app/app.js";
import { loadConfig } from "../../../src/config.js";
import { ManualClock } from "../../../src/runtime/clock.js";
import { sortableIds } from "../../../src/runtime/ids.js";
import { seededRandom } from "../../../src/runtime/random.js";
import type { OperationName, ResultOf } from "../../../src/tools/registry.js";
import { OTHERS, workBeside } from "./others.js";
import type { Act, Story } from "./stories.js";
import { VERBS } from "./verbs.js";

export type Data = Record<string, unknown>;
export type Call = <N extends OperationName>(name: N, input: Data) => Promise<ResultOf<N>>;

const MINUTE = 60_000;
/** Living processes renew their leases in each. */
const TICKS_A_MINUTE = 4;

interface Process {
  readonly app: App;
  readonly call: Call;
}

/** The state of a story that is played, for its verbs. */
export interface Scene {
  readonly run: string;
  /** Tasks that are held, by key. */
  readonly held: Map<string, { readonly task: string; readonly token: number }>;
  /** The newest of each kind, which the next act may mean. */
  readonly last: Record<"key" | "question" | "escalation" | "handoff" | "meeting" | "checkpoint", string>;
  /** Calls of the actor's own process. */
  readonly call: Call;
  /** Calls by a person at a terminal. */
  readonly asPerson: (name: string, work: (call: Call) => Promise<unknown>) => Promise<void>;
  readonly endProcess: () => Promise<void>;
}

/** Plays a story through the operations that every client calls, in a new database and on a clock that stands still. */
export class Player {
  readonly #clock = new ManualClock();
  readonly #processes: Process[] = [];
  readonly #scene = {
    held: new Map<string, { readonly task: string; readonly token: number }>(),
    last: { key: "", question: "", escalation: "", handoff: "", meeting: "", checkpoint: "" },
  };
  run = "";

  /** `database` is an empty SQLite file in a directory that is the project's root. */
  constructor(readonly database: string) {}

  async play(story: Story): Promise<void> {
    const home = await this.#open({ agent: "home" });
    await home.call("create_project", { name: "story", root: path.dirname(this.database) });
    const away = story.away.length === 0 ? home : await this.#open({ agent: "away" });
    const processOf = (agent: string) => (story.away.includes(agent) ? away : home);
    for (const [name, roles] of Object.entries(story.agents))
      await processOf(name).call("register_agent", { name, roles, max_concurrent_tasks: 3 });
    for (const { name, ...definition } of story.children)
      await home.call("create_workflow", { project: "story", name, definition: { name, ...definition } });
    const { workflow: definition, inputs } = story;
    const { run } = await home.call("execute_workflow", { project: "story", definition, ...(inputs && { inputs }) });
    this.run = run.id;
    await this.#pass();
    if (story.beside > 0)
      for (const name of OTHERS) await home.call("register_agent", { name, max_concurrent_tasks: 2 });
    const share = (at: number) => Math.floor((story.beside * at) / story.play.length);
    for (const [at, act] of story.play.entries()) {
      await workBeside(home.call, this.run, { from: share(at), to: share(at + 1) });
      await this.#act(act, processOf(act[0]));
    }
  }

  /** Calls an operation as a client that reads. */
  get call(): Call {
    const [home] = this.#processes;
    if (home === undefined) throw new Error("nothing was played yet");
    return home.call;
  }

  async close(): Promise<void> {
    for (const { app } of this.#processes.splice(0)) await app.close();
  }

  async #open(options: Partial<AppOptions>): Promise<Process> {
    const random = seededRandom(this.#processes.length + 1);
    const runtime = { clock: this.#clock, random, ids: sortableIds(random) };
    const cwd = path.dirname(this.database);
    // An agent of a story that has failed a task tries it again at once.
    const env = { BATON_DB: this.database, BATON_SQLITE_SYNCHRONOUS: "NORMAL", BATON_EXCLUSION_MS: "0" };
    const config = loadConfig({ flags: {}, cwd, env });
    const storeHooks = { now: () => this.#clock.now() };
    const app = new App({ config, runtime, storeHooks, cwd, ...options });
    const dispatch = await app.dispatch("test");
    const call = async (name: string, input: Data) => (await dispatch.call(name, input)).result;
    const process = { app, call: call as Call };
    this.#processes.push(process);
    return process;
  }

  async #pass(): Promise<void> {
    for (const { app } of this.#processes) await app.runBackground();
  }

  async #act([actor, verb, ...given]: Act, process: Process): Promise<void> {
    if (actor === "wait") {
      for (let tick = 0; tick < Number(verb) * TICKS_A_MINUTE; tick++) {
        this.#clock.advance(MINUTE / TICKS_A_MINUTE);
        await this.#pass();
      }
      return;
    }
    const does = VERBS[verb];
    if (does === undefined) throw new Error(`There is no verb "${verb}".`);
    const scene: Scene = {
      ...this.#scene,
      run: this.run,
      call: process.call,
      asPerson: async (name, work) => {
        const person = await this.#open({ channel: "human", agent: name });
        await work(person.call);
        await this.#end(person);
      },
      endProcess: () => this.#end(process),
    };
    await does(scene, actor, given);
    await this.#pass();
  }

  async #end(process: Process): Promise<void> {
    this.#processes.splice(this.#processes.indexOf(process), 1);
    await process.app.close();
  }
}
