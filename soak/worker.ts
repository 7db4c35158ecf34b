import { type Acknowledged, acknowledgedBy } from "../test/support/checker/journal.js";
import type { Draw } from "../test/support/draw.js";
import {
  CAPABILITIES,
  PATHS,
  randomDefinition,
  randomFields,
  randomTrigger,
  ROLES,
} from "../test/support/fixtures/random-graph.js";
import type { InputOf, OperationName, ResultOf } from "../src/tools/registry.js";
import { type Place, Server } from "./server.js";

/** The ledger that all workers of a soak write. */
export interface Ledger {
  readonly journal: Acknowledged[];
  readonly runs: string[];
  readonly problems: string[];
  /** Lines that the servers logged. */
  readonly logged: string[];
  readonly figures: {
    calls: number;
    acknowledged: number;
    refused: number;
    unheard: number;
    slowestMs: number;
    slowest: string;
  };
  /** Tasks whose holder was killed and will not come back for them, with when. */
  readonly orphans: { readonly task: string; readonly killedAt: number }[];
  /** Tasks claimed again by the very agent that was killed, in milliseconds. */
  readonly resumedMs: number[];
}

export const PROJECT = { project: "soak" } as const;
/** Seats are too few for all who ask at once. */
export const LICENCES = {
  id: "licences",
  type: "custom",
  capacity: { seats: 6 },
  limits: { max_concurrent_users: 4 },
} as const;
const STEPS = { sizeMax: 25, timeouts: false, backoffMsMax: 100 } as const;
const TRIES_MAX = 5;
const IDLE_MS = 20;

/** An agent that works until it is told to stop, over servers that are killed under it. */
export class Worker {
  readonly #place: Place;
  readonly #draw: Draw;
  readonly #ledger: Ledger;
  readonly #name: string;
  #generation = 0;
  #requests = 0;
  #server: Promise<Server> | undefined;
  #held: { task: string; token: number } | undefined;
  #killedAt: number | undefined;
  #windingDown = false;
  #stopped = false;
  #stepping: Promise<boolean> = Promise.resolve(false);

  constructor(name: string, { place, draw, ledger }: { place: Place; draw: Draw; ledger: Ledger }) {
    this.#name = name;
    this.#place = place;
    this.#draw = draw;
    this.#ledger = ledger;
  }

  get agent(): string {
    return `${this.#name}-${this.#generation}`;
  }

  get holds(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Kills its server. Half of the time the agent comes back under its name; otherwise its tasks are free for every
   * agent.
   */
  async kill(): Promise<boolean> {
    const server = await this.#server;
    if (!server) return false;
    this.#server = undefined;
    const killedAt = Date.now();
    const held = this.#held;
    this.#held = undefined;
    if (this.#draw.chance(0.5)) {
      this.#generation += 1;
      if (held) this.#ledger.orphans.push({ task: held.task, killedAt });
    } else if (held) {
      this.#killedAt = killedAt;
    }
    await server.kill();
    return true;
  }

  /** From here on it only takes what there is to do; settles when its last whim is over. */
  async windDown(): Promise<void> {
    this.#windingDown = true;
    await this.#stepping;
    await this.call("deallocate_resources", {});
  }

  stop(): void {
    this.#stopped = true;
  }

  async work(): Promise<void> {
    while (!this.#stopped) {
      this.#stepping = this.#windingDown ? this.#task() : this.#step();
      const did = await this.#stepping;
      if (!did) await pause(IDLE_MS);
    }
    await this.call("release_file_lock", { ...PROJECT, all: true });
    await (await this.#server)?.close();
  }

  async #step(): Promise<boolean> {
    const draw = this.#draw;
    switch (draw.weighted({ task: 80, lock: 8, unlock: 4, create: 3, control: 3, cancel: 2, allocate: 6, free: 3 })) {
      case "task":
        return this.#task();
      case "lock":
        await this.#lock();
        return true;
      case "unlock":
        await this.call("release_file_lock", { ...PROJECT, all: true });
        return true;
      case "allocate":
        await this.call("allocate_resources", {
          requirements: this.#seats(3),
          ttl_seconds: draw.int(1, 3),
          ...(draw.chance(0.5) ? { wait_seconds: 0.05 } : {}),
        });
        return true;
      case "free":
        await this.call("deallocate_resources", {});
        return true;
      case "create":
        await this.#create();
        return true;
      case "control":
        await this.#control(draw.weighted({ pause: 3, resume: 6, retry_failed: 6, cancel: 1 }));
        return true;
      case "cancel":
        await this.call("cancel_task", { task: `${draw.pick(this.#ledger.runs) ?? ""}/s${draw.int(0, 10)}` });
        return true;
    }
  }

  /** Claims a task, works on it for a moment, and ends it. */
  async #task(): Promise<boolean> {
    const draw = this.#draw;
    const claim = await this.call("claim_task", { ...PROJECT, roles: [...ROLES], requires: [...CAPABILITIES] });
    if (!claim?.task || !claim.lease) return false;
    const task = claim.task.id;
    const { token } = claim.lease;
    if (claim.resumed === true && this.#killedAt !== undefined) {
      this.#ledger.resumedMs.push(Date.now() - this.#killedAt);
      this.#killedAt = undefined;
    }
    const held = { task, token };
    this.#held = held;
    await pause(draw.int(0, draw.pick([10, 40, 40, 800])));
    if (draw.chance(0.2)) await this.#lock();
    const how = draw.weighted({ complete: 70, fail: 12, hopeless: 3, release: 7, progress: 8 });
    if (how === "progress") await this.call("report_progress", { ...held, percent: draw.int(0, 100) });
    else if (how === "release") await this.call("release_task", held);
    else if (how === "complete") await this.call("complete_task", { ...held, result: { by: this.agent } });
    else await this.call("fail_task", { ...held, error: { type: how === "fail" ? "broken" : how, message: "it is" } });
    if (this.#held === held) this.#held = undefined;
    return true;
  }

  async #lock(): Promise<void> {
    const paths = this.#draw.some(PATHS, 0.15, 4);
    await this.call("acquire_file_lock", {
      ...PROJECT,
      paths: paths.length > 0 ? paths : ["README.md"],
      mode: this.#draw.chance(0.3) ? "shared" : "exclusive",
      ttl_seconds: this.#draw.int(1, 3),
      ...(this.#draw.chance(0.5) ? { wait_seconds: 0.05 } : {}),
    });
  }

  async #create(): Promise<void> {
    const run = this.#draw.pick(this.#ledger.runs);
    const dependencies = this.#draw.some(["s0", "s1", "s2", "s3"], 0.3);
    await this.call("create_task", {
      title: "One more",
      ...randomFields(this.#draw, STEPS),
      ...this.#required(),
      ...(run === undefined ? PROJECT : { run }),
      ...(run === undefined || dependencies.length === 0 ? {} : { dependencies, ...randomTrigger(this.#draw) }),
    });
  }

  async #control(action: InputOf<"control_run">["action"]): Promise<void> {
    const run = this.#draw.pick(this.#ledger.runs);
    if (run === undefined) return;
    await this.call("control_run", { run, action });
  }

  /** Starts a run of a random graph, some of whose steps require licences. */
  async execute(): Promise<void> {
    const definition = randomDefinition(this.#draw, STEPS);
    const steps = (definition["steps"] as object[]).map((step) => ({ ...step, ...this.#required() }));
    await this.call("execute_workflow", { ...PROJECT, definition: { ...definition, steps } });
  }

  #required(): { resources?: Record<string, Record<string, number>> } {
    return this.#draw.chance(0.2) ? { resources: this.#seats(2) } : {};
  }

  #seats(most: number): Record<string, Record<string, number>> {
    return { [LICENCES.id]: { seats: this.#draw.int(1, most) } };
  }

  readonly #log = (line: string): void => {
    process.stderr.write(`${line}\n`);
    this.#ledger.logged.push(line);
  };

  /** A caller without an answer asks again under the same request id, at the next server. */
  async call<N extends OperationName>(name: N, given: InputOf<N>): Promise<ResultOf<N> | undefined> {
    const { journal, runs, figures, problems } = this.#ledger;
    const agent = this.agent;
    const input = { agent, ...given, request_id: `${agent}-${++this.#requests}` };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const server = await (this.#server ??= Server.start(this.#place, { name: "soak", log: this.#log }));
      const startedAt = performance.now();
      const told = await server.call(name, input);
      figures.calls += 1;
      const tookMs = performance.now() - startedAt - 1000 * ("wait_seconds" in given ? Number(given.wait_seconds) : 0);
      if (!("silence" in told) && tookMs > figures.slowestMs)
        Object.assign(figures, { slowestMs: tookMs, slowest: name });
      if ("answer" in told) {
        const entries = acknowledgedBy({ name, agent, input }, told.answer);
        figures.acknowledged += 1;
        journal.push(...entries);
        for (const entry of entries) if (entry.kind === "run") runs.push(entry.run);
        return told.answer;
      }
      if ("refused" in told) {
        figures.refused += 1;
        if (!EXPECTED.has(told.refused.code)) problems.push(`${name}: ${told.refused.code}: ${told.refused.message}`);
        return undefined;
      }
      figures.unheard += 1;
      // An agent that has come back under another name is a different agent.
      if (agent !== this.agent) return undefined;
    }
    problems.push(`${name}: no answer from ${TRIES_MAX} servers`);
    return undefined;
  }
}

// An agent that has come back under another name may not end what it held: not_permitted.
const EXPECTED = new Set([
  "not_found",
  "conflict",
  "invalid_transition",
  "stale_token",
  "not_permitted",
  "invalid_input",
]);

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
