import type { JsonObject } from "../../base/json.js";
import type { Settings } from "../../base/settings.js";
import { countRunsByStatus } from "../../store/runs/runs.js";
import type { Store } from "../../store/tx.js";
import { type LocalHost, tick } from "../background/tick.js";
import { claimTask } from "../claims/claims.js";
import type { Caller } from "../context.js";
import { requireDefinition } from "../definitions/definition.js";
import { effects } from "../effects.js";
import { type Engine, engineFor } from "../engine.js";
import { openSession, renewSession } from "../presence/sessions.js";
import { createProject } from "../projects/creation.js";
import type { Project } from "../projects/projects.js";
import { executeWorkflow } from "../runs/executions.js";
import { draftRun } from "../steps/run-draft.js";
import { completeTask } from "../tasks/tasks.js";

/** A database for a trial alone, with a clock that stands still until the trial moves it. */
export interface TrialGround {
  readonly store: Store;
  /** The clock of the store, too. */
  readonly clock: { now(): number; advance(ms: number): void };
  readonly settings: Settings;
  readonly version: string;
  newId(kind: string): string;
  /** Milliseconds of the real clock. */
  measure(): number;
  /** Lets other work of this process go on. */
  pause(): Promise<void>;
  /** The caller has cancelled. */
  isStopped(): boolean;
}

/** A task that an agent holds. */
export interface TrialTask {
  readonly id: string;
  readonly key: string;
  readonly token: number;
}

const HOST = "trial";
const FOREVER_MS = 100 * 365 * 86_400_000;
const TASKS_MAX = 10_000;

/** A server process of a trial, with its session. */
export class TrialProcess {
  readonly #engine: Engine;
  readonly #ground: TrialGround;
  readonly session: string;

  private constructor(ground: TrialGround, caller: Caller, session: string) {
    const { store, clock, version } = ground;
    const settings = settingsOf(ground.settings);
    this.#engine = engineFor(store, caller, { version, settings: () => settings, now: () => clock.now(), effects });
    this.#ground = ground;
    this.session = session;
  }

  static async opened(ground: TrialGround, agent: string, host = HOST): Promise<TrialProcess> {
    const id = ground.newId("session");
    const startedAt = ground.clock.now();
    const session = { id, host, pid: 1, processStartedAt: startedAt, client: agent, clientProcess: null };
    const caller: Caller = {
      agent,
      session: { ...session, executor: false },
      workplace: { cwd: "/nowhere", gitRoot: null, worktreeOf: null, caseInsensitive: false },
      clientSession: null,
      host,
      channel: "agent",
    };
    const process = new TrialProcess(ground, caller, id);
    await process.#engine.transact((ctx) => openSession(ctx));
    return process;
  }

  async project(name: string): Promise<Project> {
    return (await this.#engine.transact((ctx) => createProject(ctx, { name }))).project;
  }

  /** Starts a run of these steps, and returns its id. */
  async start(project: Project, steps: readonly JsonObject[]): Promise<string> {
    const parsed = requireDefinition({ name: "trial", steps: [...steps] }, { limits: this.#engine.settings() });
    const draft = await this.#engine.read((ctx) => draftRun(ctx, parsed, project));
    const execution = { project, parsed, draft, createdBy: HOST };
    return (await this.#engine.transact((ctx) => executeWorkflow(ctx, execution))).run.id;
  }

  /** Claims a task of a run for an agent; undefined where there is none for it now. */
  async claim(run: string, agent: string): Promise<TrialTask | undefined> {
    await this.#ground.pause();
    for (;;) {
      const claim = await this.#engine.transact((ctx) => claimTask(ctx, { agent, run, fresh: true }));
      if (claim.outcome === "again") continue;
      if (claim.outcome === "none") return undefined;
      const { id, key, token } = claim.brief.task;
      return { id, key, token };
    }
  }

  async complete({ id, token }: TrialTask): Promise<void> {
    await this.#ground.pause();
    await this.#engine.transact((ctx) => completeTask(ctx, { task: id, token, result: {} }));
  }

  renew(): Promise<void> {
    return this.#engine.transact((ctx) => renewSession(ctx, []));
  }

  /** Background work, once. */
  async tick(isAlive: LocalHost["isAlive"]): Promise<void> {
    await this.#ground.pause();
    await tick(this.#engine, { host: HOST, startedAt: 0, isAlive, quarantine: new Map() });
  }

  /** Number of runs by their status. */
  runs(): Promise<Readonly<Record<string, number>>> {
    return this.#engine.read(() => countRunsByStatus());
  }
}

/** The settings in force, but for bounds that are there for agents of the shared database, and times that virtual hours would exceed. */
function settingsOf(settings: Settings): Settings {
  return {
    ...settings,
    open_tasks_max: TASKS_MAX,
    max_concurrent_tasks: 0,
    max_concurrent_runs: 0,
    default_mode: "standard",
    agent_locks_max: 0,
    agent_open_tasks_max: 0,
    agent_bytes_per_hour_max: 0,
    task_timeout_ms: FOREVER_MS,
    silence_ms: FOREVER_MS,
    checkpoint_interval_ms: 0,
  };
}
