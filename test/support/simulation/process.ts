import { App } from "../../../src/app/app.js";
import { loadConfig } from "../../../src/config.js";
import type { Engine } from "../../../src/engine/engine.js";
import { BatonError } from "../../../src/base/errors.js";
import type { Runtime } from "../../../src/runtime/runtime.js";
import type { Fault } from "../../../src/store/driver/faults.js";
import { CommitUnknown } from "../../../src/store/tx.js";
import type { InputOf, OperationName, ResultOf } from "../../../src/tools/registry.js";
import { type Dispatch, InternalError } from "../../../src/dispatch/dispatch.js";
import type { Draw } from "../draw.js";

const FAULTS = ["crash", "crash_after", "disconnect", "lose_answer"] as const satisfies readonly Fault[];

export interface ProcessOptions {
  /** The SQLite file or the postgres:// URL. */
  readonly database: string;
  readonly cwd: string;
  readonly runtime: Runtime;
  readonly draw: Draw;
  /** Leases of its agents last by time; it does no background work. */
  readonly sessionless: boolean;
  /** The probability of a fault at each statement and at each COMMIT. */
  readonly faultRate: number;
  /** How often dead letters are replayed by themselves. */
  readonly deadLetterReplays: number;
  /** How long an agent makes no call until it is silent, and how many leases in a row end a task. */
  readonly silenceMs: number;
  readonly lossesMax: number;
}

/** Outcome of a call: an answer, a refusal, or no answer, after which it may have happened or not. */
export type Told<N extends OperationName> =
  | { readonly answer: ResultOf<N> }
  | { readonly refused: BatonError }
  | { readonly silence: "crashed" | "lost" };

/** One process from its start to its death. */
interface Life {
  app?: App;
  dead: boolean;
}

/** One server process after the other in the same place: each dies at a fault or is killed, and the next takes over. */
export class SimulatedProcess {
  readonly #options: ProcessOptions;
  #life: Life | undefined;
  /** Whether faults strike, beside being killed. */
  faults = true;
  readonly strikes = { crash: 0, crash_after: 0, disconnect: 0, lose_answer: 0, kill: 0 };

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  /** Everything this process had in memory is gone; what it held stays held until its session is found to be over. */
  kill(): void {
    if (!this.#life) return;
    this.strikes.kill += 1;
    this.#life.dead = true;
  }

  async call<N extends OperationName>(name: N, input: InputOf<N>): Promise<Told<N>> {
    const { life, dispatch } = await this.#living();
    try {
      return { answer: (await dispatch.call(name, input)).result };
    } catch (error) {
      if (error instanceof BatonError && !life.dead) return { refused: error };
      return { silence: silenceOf(error, life) };
    }
  }

  /** Work of its own at the database; undefined where it did not come to an end. */
  async work<T>(work: (engine: Engine) => Promise<T>): Promise<T | undefined> {
    const { life, app } = await this.#living();
    try {
      return await work(await app.background("simulation"));
    } catch (error) {
      silenceOf(error, life);
      return undefined;
    }
  }

  /** Its background work. Whether it came to an end. */
  async runBackground(): Promise<boolean> {
    const { life, app } = await this.#living();
    try {
      await app.runBackground();
      return true;
    } catch (error) {
      silenceOf(error, life);
      return false;
    }
  }

  async close(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    try {
      await life?.app?.close();
    } catch (error) {
      if (life?.dead !== true) throw error;
    }
  }

  async #living(): Promise<{ life: Life; app: App; dispatch: Dispatch }> {
    if (this.#life?.dead === true) await this.close();
    const life = (this.#life ??= { dead: false });
    life.app ??= this.#start(life);
    return { life, app: life.app, dispatch: await life.app.dispatch("simulation") };
  }

  #start(life: Life): App {
    const { runtime, cwd, database, sessionless, deadLetterReplays, silenceMs, lossesMax } = this.#options;
    const location = database.startsWith("postgres") ? { BATON_DATABASE_URL: database } : { BATON_DB: database };
    const env = {
      ...location,
      BATON_SQLITE_SYNCHRONOUS: "NORMAL",
      BATON_DATABASE_CONNECTIONS: "2",
      BATON_DEAD_LETTER_REPLAYS: String(deadLetterReplays),
      BATON_SILENCE_MS: String(silenceMs),
      BATON_MAX_LOSSES: String(lossesMax),
    };
    const config = loadConfig({ flags: {}, cwd, env });
    const storeHooks = { fault: () => this.#strike(life), now: () => runtime.clock.now() };
    return new App({ config, runtime, cwd, storeHooks, sessionless, channel: "human", agent: "person" });
  }

  #strike(life: Life): Fault | undefined {
    if (life.dead) return "crash";
    const { draw, faultRate } = this.#options;
    if (!this.faults || faultRate === 0 || !draw.chance(faultRate)) return undefined;
    const fault = draw.pick(FAULTS);
    this.strikes[fault] += 1;
    life.dead = fault === "crash" || fault === "crash_after";
    return fault;
  }
}

/** Throws what is not a simulated fault: that is a bug of the server. */
function silenceOf(error: unknown, life: Life): "crashed" | "lost" {
  const cause = error instanceof InternalError ? error.cause : error;
  if (life.dead) return "crashed";
  // The tick tells of all that it had to set aside at once.
  const causes: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  if (causes.every((one) => one instanceof CommitUnknown)) return "lost";
  throw cause;
}
