import path from "node:path";
import { registerAgent } from "../../src/engine/agents/agents.js";
import { claimTask } from "../../src/engine/claims/claims.js";
import { HeadStarts } from "../../src/engine/claims/head-starts.js";
import { learn } from "../../src/engine/learning/observing.js";
import { endSession } from "../../src/engine/presence/sessions.js";
import { defaultSettings } from "../../src/base/settings/defaults.js";
import { systemRuntime } from "../../src/runtime/runtime.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { EngineHandle, held, type Synchronous, type World } from "../harness/engine-handle.js";
import { type Postgres, startDurablePostgres } from "../harness/postgres.js";
import { median, medianRatio, timed } from "../harness/rounds.js";
import { DEMANDS } from "../loads/mixture.js";
import { ofDemands, roleOf, RUN_TASKS_MAX, typed } from "../loads/plans.js";

// Completions: as many as a server that has worked for a while are done first, then rounds in which both take turns, task by task.
const WARM_UP = 2_000;
const ROUNDS = 20;
const ROUND_TASKS = 150;
const COMPLETION_RATIO_MAX = 1.05;

// Claims: agents and tasks of 50 kinds, half of the kinds with one agent that is there, half with two.
const AGENTS = 1_000;
const READY_TASKS = 100_000;
const FEW_READY_TASKS = 10_000;
const CLAIM_ROUNDS = 12;
const CLAIM_RATIO_MAX = 2;
const HOUR = 3_600_000;

export const learning: Benchmark = {
  name: "learning",
  title: "The cost of learning, at the engine, one process",
  async run(bench: Bench): Promise<Outcome> {
    const server = await startDurablePostgres();
    const lines: Line[] = [];
    try {
      const [full, normal, postgres] = [onSqlite(bench, "FULL"), onSqlite(bench, "NORMAL"), onPostgres(server)];
      for (const database of [full, normal, postgres]) lines.push(await completions(bench, database));
      lines.push(await claims(bench, normal, bench.quick ? FEW_READY_TASKS : READY_TASKS));
      lines.push(await claims(bench, postgres, FEW_READY_TASKS));
    } finally {
      await server.stop();
    }
    return {
      lines,
      notes: [
        `Completions: two databases with the same twelve types of task, which take turns task by task; ${ROUNDS} rounds of ${ROUND_TASKS}, medians, and the median of the rounds' ratios. The peer is the setting learning_enabled: false.`,
        `Claims: ${AGENTS} agents, each with evidence of its kind, and ${READY_TASKS} ready tasks of ${DEMANDS} kinds on SQLite at NORMAL, ${FEW_READY_TASKS} on PostgreSQL. Of half of the kinds one agent is there, of the others a second, idle one, with which each claim is compared, since the head start is an hour here; they take turns kind by kind.`,
      ],
    };
  },
};

/** A kind of database. One of its databases is opened by name; what was opened before under that name is found again. */
interface Database {
  readonly name: string;
  open(name: string, world: World): Promise<EngineHandle>;
}

function onSqlite({ directory }: Bench, synchronous: Synchronous): Database {
  return {
    name: synchronous,
    open: (name, world) => EngineHandle.onSqlite(path.join(directory, `${synchronous}-${name}.db`), synchronous, world),
  };
}

function onPostgres(server: Postgres): Database {
  const urls = new Map<string, string>();
  return {
    name: "PostgreSQL",
    async open(name, world) {
      const url = urls.get(name) ?? (await server.database(name));
      urls.set(name, url);
      return EngineHandle.onPostgres(url, 2, world);
    },
  };
}

/** The median completion with learning beside that without it. */
async function completions({ quick, say }: Bench, database: Database): Promise<Line> {
  const rounds = quick ? 6 : ROUNDS;
  say(`${database.name}: ${rounds} rounds of ${ROUND_TASKS} completions on each`);
  const workers: (() => Promise<number>)[] = [];
  const handles: EngineHandle[] = [];
  for (const learning_enabled of [true, false]) {
    const settings = { ...defaultSettings, learning_enabled };
    const name = learning_enabled ? "learning" : "without";
    const handle = await database.open(name, { runtime: systemRuntime(), settings });
    const project = await handle.project();
    await handle.start(project, typed(WARM_UP + rounds * ROUND_TASKS));
    handles.push(handle);
    workers.push(async () => {
      const brief = held(await handle.claim("ann", { project: project.id }));
      return (await timed(() => handle.complete(brief))).ms;
    });
  }
  const round = async (tasks: number): Promise<number[]> => {
    const times = workers.map((): number[] => []);
    for (let task = 0; task < tasks; task++) {
      const turns = workers.map((work, at) => async () => times[at]?.push(await work()));
      for (const turn of task % 2 === 0 ? turns : turns.toReversed()) await turn();
    }
    return times.map(median);
  };
  await round(WARM_UP);
  const medians: number[][] = [];
  for (let n = 0; n < rounds; n++) medians.push(await round(ROUND_TASKS));
  for (const handle of handles) await handle.close();
  const of = (at: number): number[] => medians.map((one) => one[at] ?? Number.NaN);
  return {
    what: `${database.name}: a completion`,
    value: median(of(0)) * 1_000,
    unit: "µs",
    peer: { name: "without learning", value: median(of(1)) * 1_000 },
    ratio: medianRatio(of(0), of(1)),
    target: { of: "ratio", at: "most", limit: COMPLETION_RATIO_MAX },
  };
}

/** The median claim of a kind that two live agents take beside that of a kind that one takes. */
async function claims({ quick, say }: Bench, database: Database, tasks: number): Promise<Line> {
  const rounds = quick ? 4 : CLAIM_ROUNDS;
  say(`${database.name}: ${AGENTS} agents, ${tasks} ready tasks of ${DEMANDS} kinds`);
  // Sessions live for an hour: this process renews none.
  // The head start does not end, and an idle agent counts as heard, so that each claim with a rival compares both.
  const settings = { ...defaultSettings, session_ttl_ms: HOUR, session_renew_ms: HOUR, head_start_ms: HOUR };
  const world = { runtime: systemRuntime(), settings };
  const gone = await database.open("claims", world);
  await register(gone, (at) => !isLive(at));
  await gone.transact((ctx) => endSession(ctx));
  await gone.close();
  const handle = await database.open("claims", world);
  await register(handle, isLive);
  const project = await handle.project();
  const plan = ofDemands(RUN_TASKS_MAX, DEMANDS);
  for (let left = tasks; left > 0; left -= RUN_TASKS_MAX) await handle.start(project, plan);
  const samples: number[][] = [];
  for (let round = -1; round < rounds; round++) {
    const times: [alone: number[], rivalled: number[]] = [[], []];
    for (let kind = 0; kind < DEMANDS; kind++) {
      const agent = agentOf(kind);
      const headStarts = isRivalled(kind) ? new HeadStarts() : undefined;
      const claim = await timed(() =>
        handle.transact((ctx) => claimTask(ctx, { agent, headStarts, project: project.id })),
      );
      if (claim.result.outcome !== "claimed") throw new Error(`${agent} was given nothing`);
      await handle.complete(held(claim.result.brief));
      times[isRivalled(kind) ? 1 : 0].push(claim.ms);
    }
    // The first round warms up.
    if (round >= 0) samples.push(times.map(median));
  }
  await handle.close();
  const [alone, rivalled] = [0, 1].map((at) => samples.map((one) => one[at] ?? Number.NaN));
  return {
    what: `${database.name}: a claim for which two live agents compete`,
    value: median(rivalled ?? []) * 1_000,
    unit: "µs",
    peer: { name: "one agent is there", value: median(alone ?? []) * 1_000 },
    ratio: medianRatio(rivalled ?? [], alone ?? []),
    target: { of: "ratio", at: "most", limit: CLAIM_RATIO_MAX },
  };
}

// Agents in turns: the first of each kind, the second of each, and so on.
const agentOf = (at: number): string => `agent-${at}`;
/** Whether a second agent of the kind is there. Kinds without files and with them are on both sides. */
const isRivalled = (kind: number): boolean => kind >= DEMANDS / 2;
const isLive = (at: number): boolean => at < DEMANDS || (at < 2 * DEMANDS && isRivalled(at - DEMANDS));

async function register(handle: EngineHandle, isMeant: (at: number) => boolean): Promise<void> {
  const meant = Array.from({ length: AGENTS }, (_, at) => at).filter(isMeant);
  await handle.transact(function* (ctx) {
    for (const at of meant) {
      const [name, role] = [agentOf(at), roleOf(at % DEMANDS)];
      yield* registerAgent(ctx, { name, roles: [role] });
      yield* learn(
        ctx,
        Array.from({ length: 10 }, () => ({ agent: name, type: role, success: 1, durationMs: 60_000 })),
      );
    }
  });
}
