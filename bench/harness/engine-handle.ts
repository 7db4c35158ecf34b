import { hostname } from "node:os";
import type { Brief } from "../../src/engine/claims/brief.js";
import { claimTask } from "../../src/engine/claims/claims.js";
import type { Claim } from "../../src/engine/claims/taking.js";
import type { Caller, Command } from "../../src/engine/context.js";
import { type Engine, engineFor } from "../../src/engine/engine.js";
import { effects } from "../../src/engine/effects.js";
import type { JsonObject } from "../../src/base/json.js";
import { type Parsed, requireDefinition } from "../../src/engine/definitions/definition.js";
import { draftRun } from "../../src/engine/steps/run-draft.js";
import { executeWorkflow, type Started } from "../../src/engine/runs/executions.js";
import type { Project } from "../../src/engine/projects/projects.js";
import { createProject } from "../../src/engine/projects/creation.js";
import { openSession } from "../../src/engine/presence/sessions.js";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import { type Settings } from "../../src/base/settings.js";
import type { TaskChanged } from "../../src/engine/lifecycle/run-change.js";
import { completeTask } from "../../src/engine/tasks/tasks.js";
import type { ClaimTarget } from "../../src/store/scheduling/lanes.js";
import { type Runtime, systemRuntime } from "../../src/runtime/runtime.js";
import { openPostgres } from "../../src/store/postgres/postgres.js";
import { openSqlite } from "../../src/store/sqlite/sqlite.js";
import type { Store, StoreInfo, Tx } from "../../src/store/tx.js";

export type Synchronous = "FULL" | "NORMAL";

/** A task that an agent holds. */
export interface Held {
  readonly task: string;
  readonly token: number;
}

export const held = ({ task }: Brief): Held => ({ task: task.id, token: task.token });

const RESULT = { done: true };

/** Facts an engine handle takes from the world; by default the same as a server's. */
export interface World {
  readonly runtime: Runtime;
  readonly settings: Settings;
}

const realWorld = (): World => ({ runtime: systemRuntime(), settings: defaultSettings });

/** The engine over one open database, as a server process of its own calls it: with a session, under default settings. */
export class EngineHandle implements Engine {
  readonly #engine: Engine;
  /** Wraps every transaction; for profiles and counts. */
  watch: (<T>(transaction: Tx<T>) => Tx<T>) | undefined;

  private constructor(
    readonly store: Store,
    readonly world: World,
  ) {
    const { ids, clock } = world.runtime;
    const caller: Caller = {
      agent: "bench",
      session: {
        id: ids.next("session", clock.now()),
        host: hostname(),
        pid: process.pid,
        processStartedAt: clock.now(),
        client: "bench",
        clientProcess: null,
        executor: false,
      },
      workplace: { cwd: "/nowhere", gitRoot: null, worktreeOf: null, caseInsensitive: false },
      clientSession: null,
      host: "bench",
      channel: "agent",
    };
    const parts = { version: "bench", settings: () => world.settings, now: () => clock.now(), effects };
    this.#engine = engineFor(store, caller, parts);
  }

  static async onSqlite(file: string, synchronous: Synchronous, world = realWorld()): Promise<EngineHandle> {
    return EngineHandle.#opened(await openSqlite({ file, synchronous, runtime: world.runtime }), world);
  }

  static async onPostgres(url: string, poolSize: number, world = realWorld()): Promise<EngineHandle> {
    return EngineHandle.#opened(await openPostgres({ url, poolSize, runtime: world.runtime }), world);
  }

  static async #opened(store: Store, world: World): Promise<EngineHandle> {
    const handle = new EngineHandle(store, world);
    await handle.transact((ctx) => openSession(ctx));
    return handle;
  }

  transact<T>(command: Command<T>): Promise<T> {
    return this.#engine.transact((ctx) => this.#watched(command(ctx)));
  }

  read<T>(query: Command<T>): Promise<T> {
    return this.#engine.read((ctx) => this.#watched(query(ctx)));
  }

  snapshot<T>(query: Command<T>): Promise<T> {
    return this.#engine.snapshot(query);
  }

  onWake(listener: () => void): () => void {
    return this.#engine.onWake(listener);
  }

  settings(): Settings {
    return this.world.settings;
  }

  now(): number {
    return this.#engine.now();
  }

  get database(): StoreInfo {
    return this.store.info;
  }

  close(): Promise<void> {
    return this.store.close();
  }

  async project(name = "bench"): Promise<Project> {
    return (await this.transact((ctx) => createProject(ctx, { name }))).project;
  }

  async start(project: Project, parsed: Parsed): Promise<Started> {
    const draft = await this.read((ctx) => draftRun(ctx, parsed, project));
    return this.transact((ctx) => executeWorkflow(ctx, { project, parsed, draft, createdBy: "bench" }));
  }

  /** As claim_task does it: where something had to be set aside, it looks further in another transaction. */
  async ask(agent: string, target: ClaimTarget): Promise<Exclude<Claim, { outcome: "again" }>> {
    for (;;) {
      const claim = await this.transact((ctx) => claimTask(ctx, { agent, ...target }));
      if (claim.outcome !== "again") return claim;
    }
  }

  /** Asks, and must be given something. */
  async claim(agent: string, target: ClaimTarget): Promise<Brief> {
    const claim = await this.ask(agent, target);
    if (claim.outcome === "claimed") return claim.brief;
    throw new Error(`${agent} was given nothing: ${claim.reason}`);
  }

  complete({ task, token }: Held): Promise<TaskChanged> {
    return this.transact((ctx) => completeTask(ctx, { task, token, result: RESULT }));
  }

  /** The unit of most benchmarks: two transactions. */
  async claimAndComplete(agent: string, target: ClaimTarget): Promise<void> {
    await this.complete(held(await this.claim(agent, target)));
  }

  /** Many such pairs in one transaction: the same rows as in two each, without waiting for the disk each time. */
  async finishMany(agent: string, target: ClaimTarget, count: number): Promise<void> {
    await this.transact(function* (ctx) {
      for (let done = 0; done < count; done++) {
        const claim = yield* claimTask(ctx, { agent, ...target });
        if (claim.outcome !== "claimed") throw new Error(`${agent} was given nothing`);
        yield* completeTask(ctx, { ...held(claim.brief), result: RESULT });
      }
    });
  }

  #watched<T>(transaction: Tx<T>): Tx<T> {
    return this.watch === undefined ? transaction : this.watch(transaction);
  }
}

export function planOf(definition: JsonObject): Parsed {
  return requireDefinition(definition, { limits: defaultSettings });
}
