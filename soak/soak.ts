import { systemRuntime } from "../src/runtime/runtime.js";
import { seededRandom } from "../src/runtime/random.js";
import { openPostgres } from "../src/store/postgres/postgres.js";
import { int } from "../src/store/rows.js";
import { openSqlite } from "../src/store/sqlite/sqlite.js";
import type { Store } from "../src/store/tx.js";
import { Checker, type Finding } from "../test/support/checker/checker.js";
import { readSnapshot, type Snapshot } from "../test/support/checker/snapshot.js";
import { Draw } from "../test/support/draw.js";
import type { Place } from "./server.js";
import { type Ledger, LICENCES, pause, PROJECT, Worker } from "./worker.js";

export interface SoakOptions {
  readonly place: Place;
  readonly seed: number;
  readonly processes: number;
  /** It goes on at least so long, with at least so many tasks and kills. */
  readonly seconds: number;
  readonly tasks: number;
  readonly kills: number;
  readonly killEveryMs: number;
  /** Told what happens, now and then. */
  readonly progress?: (line: string) => void;
}

export interface SoakReport {
  readonly findings: readonly Finding[];
  readonly problems: readonly string[];
  readonly figures: Readonly<Record<string, number | string>>;
}

const OPEN_TASKS_MIN = 40;
/** Resources are kept for a dead agent for a minute while it stands in line, and for another where they are offered to it then. */
const DRAIN_MS_MAX = 180_000;
const LOOK_EVERY_MS = 100;
const PROBLEMS_SHOWN_MAX = 10;

/**
 * Lets agents work through real server processes on one database while these are killed with -9 at random, brings the work
 * to its end, and holds the history against all that must be so.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const store = await openStore(options.place.database);
  try {
    return await new Soak(options, store).run();
  } finally {
    await store.close();
  }
}

function openStore(database: string): Promise<Store> {
  const runtime = systemRuntime();
  if (database.startsWith("postgres")) return openPostgres({ url: database, poolSize: 2, runtime });
  return openSqlite({ file: database, synchronous: "NORMAL", runtime });
}

class Soak {
  readonly #options: SoakOptions;
  readonly #store: Store;
  readonly #draw: Draw;
  readonly #workers: readonly Worker[];
  readonly #ledger: Ledger = {
    journal: [],
    runs: [],
    problems: [],
    logged: [],
    figures: { calls: 0, acknowledged: 0, refused: 0, unheard: 0, slowestMs: 0, slowest: "" },
    orphans: [],
    resumedMs: [],
  };
  readonly #startedAt = performance.now();
  #kills = 0;

  constructor(options: SoakOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.#draw = new Draw(seededRandom(options.seed));
    const shared = { place: options.place, ledger: this.#ledger };
    this.#workers = Array.from({ length: options.processes }, (_, at) => {
      return new Worker(`worker-${at}`, { ...shared, draw: new Draw(seededRandom(options.seed * 1000 + at)) });
    });
  }

  async run(): Promise<SoakReport> {
    const shared = { place: this.#options.place, ledger: this.#ledger };
    // Not killed: it keeps work coming, and is left when all others have gone.
    const feeder = new Worker("feeder", { ...shared, draw: this.#draw });
    await feeder.call("create_project", { name: PROJECT.project, root: this.#options.place.cwd });
    await feeder.call("register_resource", LICENCES);
    const working = this.#workers.map((worker) => worker.work());
    const killing = this.#killAtRandom();
    const busyMs = await this.#keepBusy(feeder);
    await killing;
    await this.#drain(feeder);
    for (const worker of this.#workers) worker.stop();
    await Promise.all(working);
    await this.#untilNothingIsHeld(feeder);
    const { journal } = this.#ledger;
    const findings = await new Checker(this.#store).findings({ journal, over: true });
    const figures = this.#figures(await readSnapshot(this.#store), busyMs);
    feeder.stop();
    await feeder.work();
    const problems = this.#explained();
    return { findings, problems, figures };
  }

  async #killAtRandom(): Promise<void> {
    const { killEveryMs, seconds, kills } = this.#options;
    while (!this.#enough()) {
      await pause(this.#draw.int(killEveryMs / 2, killEveryMs * 1.5));
      const early = performance.now() - this.#startedAt < seconds * 1000;
      // Past its time it only waits for the rest of the tasks.
      if (!early && this.#kills >= kills) continue;
      // Mostly one that holds a task: who is killed between tasks leaves nothing to recover.
      const holding = this.#workers.filter(({ holds }) => holds);
      const victims = holding.length > 0 && this.#draw.chance(0.8) ? holding : this.#workers;
      if (await this.#draw.pick(victims)?.kill()) this.#kills += 1;
    }
  }

  #tasks = 0;

  #enough(): boolean {
    const { seconds, tasks, kills } = this.#options;
    return performance.now() - this.#startedAt >= seconds * 1000 && this.#tasks >= tasks && this.#kills >= kills;
  }

  /** Starts runs whenever there is little left to do. Gives how long that went on. */
  async #keepBusy(feeder: Worker): Promise<number> {
    for (let looks = 0; !this.#enough(); looks++) {
      const open = await this.#count(OPEN);
      this.#tasks = await this.#count(ALL);
      if (open < OPEN_TASKS_MIN) await feeder.execute();
      else await pause(LOOK_EVERY_MS);
      if ((await this.#count(OVER_CAPACITY)) > 0) this.#ledger.problems.push("more is allocated than there is");
      if (looks % 100 === 0)
        this.#say(
          `${this.#tasks} tasks, ${open} open, ${this.#kills} kills, ${this.#ledger.figures.acknowledged} calls acknowledged`,
        );
    }
    return performance.now() - this.#startedAt;
  }

  /**
   * Lets the workers go on until nothing is left to do; what they have paused is resumed. First each stops making work:
   * a run retried just after the last look would be left as it is.
   */
  async #drain(feeder: Worker): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.windDown()));
    const until = performance.now() + DRAIN_MS_MAX;
    while ((await this.#count(OPEN)) > 0 && performance.now() < until) {
      for (const run of await this.#pausedRuns()) await feeder.call("control_run", { run, action: "resume" });
      await pause(LOOK_EVERY_MS);
    }
  }

  async #untilNothingIsHeld(feeder: Worker): Promise<void> {
    await feeder.call("release_file_lock", { ...PROJECT, all: true });
    const until = performance.now() + DRAIN_MS_MAX;
    while ((await this.#count(HELD)) > 0 && performance.now() < until) await pause(LOOK_EVERY_MS);
  }

  /** The problems, as many as are read, with what the log of a server says of them. */
  #explained(): string[] {
    const { problems, logged } = this.#ledger;
    const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => {
      const [request] = /request_\w+/.exec(problem) ?? [];
      const line = request === undefined ? undefined : logged.find((one) => one.includes(request));
      return line === undefined ? problem : `${problem} ${line}`;
    });
    const more = problems.length - shown.length;
    return more > 0 ? [...shown, `and ${more} more`] : shown;
  }

  #pausedRuns(): Promise<string[]> {
    return this.#store.read(function* () {
      const rows = yield ["SELECT id FROM runs WHERE status = 'paused'"];
      return rows.map((row) => String(row["id"]));
    });
  }

  #count(sql: string): Promise<number> {
    return this.#store.read(function* () {
      const [row] = yield [sql];
      return row ? int(row, "count") : 0;
    });
  }

  #say(line: string): void {
    this.#options.progress?.(`${((performance.now() - this.#startedAt) / 1000).toFixed(0)} s: ${line}`);
  }

  #figures(snapshot: Snapshot, busyMs: number): SoakReport["figures"] {
    const { figures, orphans, resumedMs } = this.#ledger;
    const recoveries = orphans.flatMap((orphan) => recoveryOf(snapshot, orphan));
    const freedMs = recoveries.map((recovery) => recovery.freedMs);
    const againMs = [...resumedMs, ...recoveries.flatMap((recovery) => recovery.againMs)];
    return {
      ...figures,
      slowestMs: Math.round(figures.slowestMs),
      seconds: Math.round(busyMs / 1000),
      runs: this.#ledger.runs.length,
      tasks: snapshot.tasks.size,
      events: snapshot.events.length,
      allocated: snapshot.events.filter(({ type }) => type === "resource.allocated").length,
      kills: this.#kills,
      freed: freedMs.length,
      freed_p50_ms: quantile(freedMs, 0.5),
      freed_max_ms: quantile(freedMs, 1),
      running_again: againMs.length,
      running_again_p50_ms: quantile(againMs, 0.5),
      running_again_max_ms: quantile(againMs, 1),
    };
  }
}

const ALL = "SELECT count(*) AS count FROM tasks";
const OPEN =
  "SELECT count(*) AS count FROM tasks WHERE status IN ('pending', 'ready', 'running', 'waiting', 'in_review')";
const HELD = "SELECT count(*) AS count FROM file_locks";

const OVER_CAPACITY = `SELECT count(*) AS count FROM resources r JOIN resource_units u ON u.resource = r.id WHERE
  u.capacity < (SELECT COALESCE(sum(i.amount), 0) FROM allocation_items i JOIN allocations a ON a.id = i.allocation
    WHERE i.resource = u.resource AND i.unit = u.unit AND a.state <> 'waiting')
  OR r.users_max < (SELECT count(DISTINCT a.holder) FROM allocation_items i JOIN allocations a ON a.id = i.allocation
    WHERE i.resource = r.id AND a.state <> 'waiting')`;

interface Recovery {
  /** Time from the kill of a task's holder until the task is free again. */
  readonly freedMs: number;
  /** Until it ran again, which may be put off by a pause of its run, by locked files and by what comes before it. */
  readonly againMs: readonly number[];
}

function recoveryOf({ events }: Snapshot, { task, killedAt }: Ledger["orphans"][number]): Recovery[] {
  const since = events.filter((event) => event.task === task && event.at >= killedAt);
  const at = since.findIndex(({ type }) => type === "task.lease_lost");
  const lost = since[at];
  // It ended before the kill, or was cancelled meanwhile.
  if (!lost) return [];
  const again = since.slice(at).find(({ type }) => type === "task.claimed");
  return [{ freedMs: lost.at - killedAt, againMs: again ? [again.at - killedAt] : [] }];
}

/** 0 where there is nothing to measure. */
function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil((values.length - 1) * share)] ?? 0;
}
