import path from "node:path";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { type Caller, httpCaller, type Protocol, StdioServer } from "../../harness/http/callers.js";
import { Connection } from "../../harness/http/connection.js";
import { workerToken } from "../../harness/http/person.js";
import { serveBareHono, serveBaton } from "../../harness/http/server.js";
import { startDurablePostgres } from "../../harness/postgres.js";
import { figuresOf, interleave, median, medianRatio, percentile } from "../../harness/rounds.js";

const ROUNDS = 5;
const ROUND_MS = 400;
const CLIENTS = [1, 8, 32] as const;
const RUN_TASKS = 100;
/** With how many clients it is measured what a token costs. */
const TOKEN_CLIENTS = 8;
/** A run from which is claimed, until fewer are left than are claimed in a round. */
const SUPPLY_TASKS = 5_000;
const ROUND_TASKS_MAX = 1_000;

export const http: Benchmark = {
  name: "http",
  title: "Operations over HTTP, beside a bare hono server and the same over stdio",
  async run(bench: Bench): Promise<Outcome> {
    const server = await startDurablePostgres();
    try {
      const sqlite = { name: "SQLite", env: { BATON_DB: path.join(bench.directory, "http.db") } };
      const postgres = { name: "PostgreSQL", env: { BATON_DATABASE_URL: server.url } };
      const measured = [await measure(bench, sqlite), await measure(bench, postgres)];
      return {
        lines: measured.flatMap(({ lines }) => lines),
        notes: [
          "One server process and the clients in another, each with a connection that is kept and one call at a time; requests are made by hand, since the clients of Node and of the SDKs take longer than the servers. Over stdio all clients share the one pair of pipes of one server.",
          "The bare hono server has the same adapter, reads a body of the same size and answers with a constant one of the same size. A claim and completion are two calls, each in a durable commit.",
        ],
        detail: Object.assign({}, ...measured.map(({ detail }) => detail)) as Record<string, unknown>,
      };
    } finally {
      await server.stop();
    }
  },
};

interface Database {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Work that clients do again and again. */
interface Work {
  readonly name: string;
  /** Calls of one unit. */
  readonly calls: number;
  /** Done before each round, unmeasured. */
  prepare(caller: Caller): Promise<void>;
  unit(caller: Caller, agent: string): Promise<void>;
}

/** A way in: opens a client. */
interface Way {
  readonly name: string;
  readonly open: () => Promise<Caller>;
}

interface Measured {
  readonly lines: readonly Line[];
  readonly detail: Record<string, unknown>;
}

async function measure(bench: Bench, database: Database): Promise<Measured> {
  // A caller with a token may call as often as it likes here.
  const env = { ...database.env, BATON_HTTP_REQUESTS_PER_SECOND: "0" };
  const token = workerToken(bench.directory, env);
  const [baton, bare] = [await serveBaton(bench.directory, env), await serveBareHono(bench.directory)];
  const stdio = await StdioServer.start(bench.directory, env);
  try {
    const over = (protocol: Protocol, bearer?: string): Way => ({
      name: bearer === undefined ? protocol : `${protocol} with a token`,
      open: () => httpCaller(protocol, { origin: baton.origin, token: bearer }),
    });
    const bearing = [over("REST", token), over("MCP 2026-07-28", token)];
    const bearingNone = [
      over("REST"),
      over("MCP 2026-07-28"),
      over("MCP 2025-11-25"),
      { name: "stdio", open: () => Promise.resolve(stdio.caller()) },
    ];
    const setter = await httpCaller("REST", { origin: baton.origin });
    const works = await worksOf(setter);
    const results: Measured[] = [];
    for (const work of works) {
      const size = await answerSize(work, { setter, origin: baton.origin });
      for (const clients of CLIENTS) {
        const peer = { name: "bare hono", open: () => constantCaller(bare.origin, size) };
        const ways = [peer, ...bearingNone, ...(clients === TOKEN_CLIENTS ? bearing : [])];
        results.push(await together(bench, { database, work, clients, setter, ways }));
      }
    }
    setter.close();
    return {
      lines: results.flatMap(({ lines }) => lines),
      detail: Object.assign({}, ...results.map(({ detail }) => detail)) as Record<string, unknown>,
    };
  } finally {
    await stdio.stop();
    await Promise.all([baton.stop(), bare.stop()]);
  }
}

async function worksOf(setter: Caller): Promise<Work[]> {
  await setter.call("create_project", { name: "bench" });
  const run = await start(setter, RUN_TASKS);
  let supply = "";
  let left = 0;
  return [
    {
      name: "get_run",
      calls: 1,
      prepare: async () => {},
      unit: async (caller) => void (await caller.call("get_run", { run })),
    },
    {
      name: "agent_heartbeat",
      calls: 1,
      prepare: async () => {},
      unit: async (caller, agent) => void (await caller.call("agent_heartbeat", { agent })),
    },
    {
      name: "claim and completion",
      calls: 2,
      prepare: async (caller) => {
        if (left > ROUND_TASKS_MAX) return;
        supply = await start(caller, SUPPLY_TASKS);
        left = SUPPLY_TASKS;
      },
      unit: async (caller, agent) => {
        const { task, lease } = await caller.call("claim_task", { run: supply, agent });
        if (task === undefined || lease === undefined) throw new Error("there were too few tasks");
        left -= 1;
        await caller.call("complete_task", { task: task.id, token: lease.token, agent, result: { done: true } });
      },
    },
  ];
}

async function start(caller: Caller, tasks: number): Promise<string> {
  const steps = Array.from({ length: tasks }, (_, at) => ({ key: `t${at}`, prompt: "Write the page of this module." }));
  const { run } = await caller.call("execute_workflow", { project: "bench", definition: { name: "bench", steps } });
  return run.id;
}

/** The mean size of the answers to the calls of a unit. */
async function answerSize(work: Work, { setter, origin }: { readonly setter: Caller; readonly origin: string }) {
  await work.prepare(setter);
  const caller = await httpCaller("REST", { origin });
  let bytes = 0;
  const weighing: Caller = {
    call: async (name, input) => {
      const answer = await caller.call(name, input);
      bytes += JSON.stringify(answer).length;
      return answer;
    },
    close: () => caller.close(),
  };
  await work.unit(weighing, "client-0");
  weighing.close();
  return Math.round(bytes / work.calls);
}

/** A client of the bare server, which posts what the client of an operation would. */
async function constantCaller(origin: string, bytes: number): Promise<Caller> {
  const connection = await Connection.to(origin);
  const answer = { task: { id: "" }, lease: { token: 0 } };
  return {
    call: async (_, input) => {
      const { body } = await connection.post({ path: `/constant/${bytes}` }, JSON.stringify(input));
      JSON.parse(body);
      return answer as never;
    },
    close: () => connection.close(),
  };
}

interface Contest {
  readonly database: Database;
  readonly work: Work;
  readonly clients: number;
  readonly setter: Caller;
  readonly ways: readonly Way[];
}

/** The ways in turn, round by round. */
async function together(bench: Bench, { database, work, clients, setter, ways }: Contest): Promise<Measured> {
  const about = `${database.name}, ${work.name}, ${clients} ${clients === 1 ? "client" : "clients"}`;
  bench.say(about);
  const latencies = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  const contestants = ways.map(({ name, open }) => ({
    name,
    round: async () => {
      await work.prepare(setter);
      const done = await workFor(ROUND_MS, { work, callers: await opened(open, clients) });
      latencies.get(name)?.push(...done.ms);
      return (done.ms.length * 1_000) / done.tookMs;
    },
  }));
  // The first round loads and compiles what each needs.
  await interleave(contestants, 1);
  for (const of of latencies.values()) of.length = 0;
  const figures = await interleave(contestants, bench.quick ? 2 : ROUNDS);
  const [peer = "", ...others] = ways.map(({ name }) => name);
  const of = (name: string) => figuresOf(figures, name);
  const at = (name: string, share: number) => percentile(latencies.get(name) ?? [], share);
  const lines = others.flatMap((name): Line[] => [
    {
      what: `${about}: ${name}`,
      value: median(of(name)),
      unit: "calls/s",
      peer: { name: peer, value: median(of(peer)) },
      ratio: medianRatio(of(name), of(peer)),
    },
    {
      what: `${about}: ${name}, p99 of a call`,
      value: at(name, 0.99),
      unit: "ms",
      peer: { name: peer, value: at(peer, 0.99) },
    },
  ]);
  const shares = ways.map(({ name }) => [
    name,
    { p50_ms: at(name, 0.5), p99_ms: at(name, 0.99), calls_per_s: of(name) },
  ]);
  return { lines, detail: { [about]: Object.fromEntries(shares) } };
}

async function opened(open: () => Promise<Caller>, clients: number): Promise<Caller[]> {
  return Promise.all(Array.from({ length: clients }, () => open()));
}

/** All clients work at once for so long. Returns how long each call took. */
async function workFor(forMs: number, { work, callers }: { readonly work: Work; readonly callers: readonly Caller[] }) {
  const ms: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + forMs;
  await Promise.all(
    callers.map(async (caller, at) => {
      const clocked: Caller = {
        call: async (name, input) => {
          const calledAt = performance.now();
          const answer = await caller.call(name, input);
          ms.push(performance.now() - calledAt);
          return answer;
        },
        close: () => caller.close(),
      };
      while (performance.now() < until) await work.unit(clocked, `client-${at}`);
    }),
  );
  const tookMs = performance.now() - startedAt;
  for (const caller of callers) caller.close();
  return { ms, tookMs };
}
