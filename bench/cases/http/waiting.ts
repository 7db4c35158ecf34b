import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Benchmark, Line, Outcome } from "../../harness/benchmark.js";
import { type Caller, httpCaller } from "../../harness/http/callers.js";
import { Connection } from "../../harness/http/connection.js";
import { type Served, serveBareHono, serveBaton } from "../../harness/http/server.js";
import { type OpenStream, openStream, openSubscription } from "../../harness/http/streams.js";
import { startDurablePostgres } from "../../harness/postgres.js";
import { median, percentile } from "../../harness/rounds.js";

const AGENTS = 200;
const ROUNDS = 20;
/** Longer than a benchmark of them takes, as far as the server lets calls wait. */
const WAIT_SECONDS = 600;
const WAIT_MAX_MS = "600000";
/** Long enough for all to have found nothing and wait. */
const SETTLED_MS = 500;
const IDLE_KB_MAX = 200;
const WAKE_MS_MAX = 100;
const PEER = "bare hono";
/** A message to this agent changes it. */
const INBOX = "baton://messages/agent-0";

export const waiting: Benchmark = {
  name: "waiting",
  title: `${AGENTS} agents that wait at one server over HTTP, beside a bare hono server that holds as many answers`,
  async run(bench: Bench): Promise<Outcome> {
    const rounds = bench.quick ? 8 : ROUNDS;
    bench.say(PEER);
    const peer = await heldAnswers(bench, rounds);
    const server = await startDurablePostgres();
    try {
      const onSqlite = await measure(bench, { BATON_DB: path.join(bench.directory, "waiting.db") }, rounds);
      const onPostgres = await measure(bench, { BATON_DATABASE_URL: server.url }, rounds);
      return {
        lines: [...linesOf("SQLite", onSqlite, peer), ...linesOf("PostgreSQL", onPostgres, peer)],
        notes: [
          "Memory is what the server's objects, and what stands outside for them, take more after collections of garbage with all of them waiting than with none, for each. Clients are in a process of their own, each with a connection.",
          "Waking is measured from the moment at which another server on the database is asked for what wakes them, so its commit is part of it, until a client has the whole answer. One task: one agent gets it, the others go on waiting. A task for each: one commit makes as many ready, and each claim is a commit of its own. Streams of the history, and subscriptions by MCP 2026-07-28 to one resource: all get each event.",
        ],
        detail: { bare: inShort(peer), sqlite: waitsInShort(onSqlite), postgres: waitsInShort(onPostgres) },
      };
    } finally {
      await server.stop();
    }
  },
};

interface Held {
  readonly idleKb: number;
  readonly wakeMs: readonly number[];
}

interface Waits {
  readonly claims: Held;
  readonly allClaims: readonly number[];
  readonly streams: Held;
  readonly subscriptions: Held;
}

const SHARES = [0.5, 0.9, 0.95, 0.99, 1];

function inShort({ idleKb, wakeMs }: Pick<Held, "wakeMs"> & Partial<Held>) {
  return { idle_kb: idleKb, wake_ms_at: Object.fromEntries(SHARES.map((share) => [share, percentile(wakeMs, share)])) };
}

function waitsInShort({ claims, allClaims, streams, subscriptions }: Waits) {
  const [held, all] = [inShort(claims), inShort({ wakeMs: allClaims })];
  return { claims: held, all_claims: all, streams: inShort(streams), subscriptions: inShort(subscriptions) };
}

function figuresIn({ idleKb, wakeMs }: Pick<Held, "wakeMs"> & Partial<Held>): string {
  const memory = idleKb === undefined ? "" : `${Math.round(idleKb)} KB for each, `;
  return `${memory}p50 ${Math.round(median(wakeMs))} ms, p95 ${Math.round(percentile(wakeMs, 0.95))} ms`;
}

function linesOf(database: string, { claims, allClaims, streams, subscriptions }: Waits, peer: Held): Line[] {
  const idle = (what: string, { idleKb }: Held): Line => ({
    what: `${database}: ${what}, memory for each`,
    value: idleKb,
    unit: "KB",
    peer: { name: PEER, value: peer.idleKb },
    target: { of: "value", at: "most", limit: IDLE_KB_MAX },
  });
  const wake = (what: string, ms: readonly number[], isAimedAt: boolean): Line[] => [
    {
      what: `${database}: ${what}, median`,
      value: median(ms),
      unit: "ms",
      peer: { name: PEER, value: median(peer.wakeMs) },
    },
    {
      what: `${database}: ${what}, p95`,
      value: percentile(ms, 0.95),
      unit: "ms",
      peer: { name: PEER, value: percentile(peer.wakeMs, 0.95) },
      ...(isAimedAt && { target: { of: "value", at: "most", limit: WAKE_MS_MAX } as const }),
    },
  ];
  return [
    idle("a waiting claim", claims),
    ...wake("one task wakes the claims", claims.wakeMs, true),
    ...wake("a task for each claim", allClaims, false),
    idle("a stream", streams),
    ...wake("an event to all streams", streams.wakeMs, true),
    idle("a subscription", subscriptions),
    ...wake("a change to all subscriptions", subscriptions.wakeMs, true),
  ];
}

/** The ceiling: a server that holds answers until it is told to let go. */
async function heldAnswers({ directory }: Bench, rounds: number): Promise<Held> {
  const server = await serveBareHono(directory);
  const before = await server.memoryKb();
  const connections = await Promise.all(Array.from({ length: AGENTS }, () => Connection.to(server.origin)));
  const actor = await Connection.to(server.origin);

  const wakeMs: number[] = [];
  let idleKb = 0;
  for (let round = -1; round < rounds; round++) {
    const answers = connections.map(async (one) => {
      await one.post({ path: "/held" }, JSON.stringify({ agent: "a", wait_seconds: 60 }));
      return performance.now();
    });
    await pause(SETTLED_MS);
    if (round < 0) idleKb = ((await server.memoryKb()) - before) / AGENTS;
    const releasedAt = performance.now();
    await actor.post({ path: "/release" }, "{}");
    const heardAt = await Promise.all(answers);
    if (round >= 0) wakeMs.push(...heardAt.map((at) => at - releasedAt));
  }
  for (const connection of [...connections, actor]) connection.close();
  await server.stop();
  return { idleKb, wakeMs };
}

async function measure(bench: Bench, database: Record<string, string>, rounds: number): Promise<Waits> {
  const env = { ...database, BATON_WAIT_MAX_MS: WAIT_MAX_MS };
  const [server, other] = [await serveBaton(bench.directory, env), await serveBaton(bench.directory, env)];
  const actor = await httpCaller("REST", { origin: other.origin });
  try {
    await actor.call("create_project", { name: "p" });
    // While a run is open, claims of its project wait for more.
    const open = { name: "open", steps: [{ key: "open", prompt: "Has no agent.", role: "role-without-agents" }] };
    await actor.call("execute_workflow", { project: "p", definition: open });
    const crew = await Crew.at(server);
    bench.say(`${Object.keys(database).join()}: claims`);
    // The first round loads what each server needs for it.
    await crew.roundOf(actor, 1);
    await crew.settled();
    const idleKb = crew.idleKb((await server.memoryKb()) - crew.kbBefore);
    const wakeMs: number[] = [];
    for (let round = 0; round < rounds; round++) wakeMs.push(...(await crew.roundOf(actor, 1)));
    bench.say(`${figuresIn({ idleKb, wakeMs })}; a task for each`);
    const allClaims: number[] = [];
    for (let round = 0; round < Math.ceil(rounds / 4); round++) allClaims.push(...(await crew.roundOf(actor, AGENTS)));
    crew.close();
    bench.say(`${figuresIn({ wakeMs: allClaims })}; streams`);
    const heldBy = (news: string, one: () => Promise<OpenStream>) =>
      streamRounds({ server, actor, rounds, news, open: one });
    const streams = await heldBy("message.sent", () => openStream(server.origin));
    bench.say(`${figuresIn(streams)}; subscriptions`);
    const subscriptions = await heldBy("resources/updated", () => openSubscription(server.origin, INBOX));
    bench.say(figuresIn(subscriptions));
    return { claims: { idleKb, wakeMs }, allClaims, streams, subscriptions };
  } finally {
    actor.close();
    await Promise.all([server.stop(), other.stop()]);
  }
}

interface Claimed {
  readonly at: number;
  readonly agent: string;
  readonly task: string;
  readonly token: number;
}

/** Agents that claim again as soon as they have done what they got. */
class Crew {
  readonly #callers: readonly Caller[];
  readonly kbBefore: number;
  #claimed: Claimed[] = [];
  #onClaimed = (): void => {};
  #isClosed = false;

  private constructor(callers: readonly Caller[], kbBefore: number) {
    this.#callers = callers;
    this.kbBefore = kbBefore;
  }

  static async at(server: Served): Promise<Crew> {
    const { origin } = server;
    const first = await httpCaller("REST", { origin });
    // Claims that find nothing load and compile what each of them needs, and make the agents known.
    for (let at = 0; at < 2 * AGENTS; at++)
      await first.call("claim_task", { project: "p", agent: `agent-${at % AGENTS}` });
    first.close();
    const kbBefore = await server.memoryKb();
    const callers = await Promise.all(Array.from({ length: AGENTS }, () => httpCaller("REST", { origin })));
    const crew = new Crew(callers, kbBefore);
    for (const at of callers.keys()) crew.#wait(at);
    await crew.settled();
    return crew;
  }

  idleKb(more: number): number {
    return more / this.#callers.length;
  }

  settled(): Promise<void> {
    return pause(SETTLED_MS);
  }

  /** Lets so many tasks become ready by one commit. Returns after how many ms each was claimed. */
  async roundOf(actor: Caller, tasks: number): Promise<number[]> {
    this.#claimed = [];
    const all = new Promise<void>((resolve) => {
      this.#onClaimed = () => {
        if (this.#claimed.length === tasks) resolve();
      };
    });
    const steps = Array.from({ length: tasks }, (_, at) => ({ key: `t${at}`, prompt: "Write the page." }));
    const askedAt = performance.now();
    await actor.call("execute_workflow", { project: "p", definition: { name: "bench", steps } });
    await all;
    const claimed = this.#claimed;
    for (const { agent, task, token } of claimed) {
      await actor.call("complete_task", { agent, task, token, result: { done: true } });
      this.#wait(Number(agent.split("-")[1]));
    }
    await this.settled();
    return claimed.map(({ at }) => at - askedAt);
  }

  close(): void {
    this.#isClosed = true;
    for (const caller of this.#callers) caller.close();
  }

  #wait(at: number): void {
    const agent = `agent-${at}`;
    const caller = this.#callers[at];
    if (caller === undefined) throw new Error(`there is no ${agent}`);
    caller.call("claim_task", { project: "p", agent, wait_seconds: WAIT_SECONDS }).then(
      ({ task, lease }) => {
        if (task === undefined || lease === undefined) throw new Error(`${agent} waited in vain`);
        this.#claimed.push({ at: performance.now(), agent, task: task.id, token: lease.token });
        return this.#onClaimed();
      },
      (error: unknown) => {
        if (!this.#isClosed) throw error;
      },
    );
  }
}

interface StreamRounds {
  readonly server: Served;
  readonly actor: Caller;
  readonly rounds: number;
  /** A text that a stream hears of a message. */
  readonly news: string;
  readonly open: () => Promise<OpenStream>;
}

async function streamRounds({ server, actor, rounds, news, open }: StreamRounds): Promise<Held> {
  const first = await open();
  const before = await server.memoryKb();
  const streams: OpenStream[] = [];
  for (let at = 0; at < AGENTS; at++) streams.push(await open());
  await pause(SETTLED_MS);
  const idleKb = ((await server.memoryKb()) - before) / AGENTS;
  const wakeMs: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const heard = streams.map((stream) => stream.heard(news));
    const askedAt = performance.now();
    await actor.call("send_message", { to: "agent-0", body: "The page is written.", agent: "actor", project: "p" });
    const heardAt = await Promise.all(heard);
    if (round >= 0) wakeMs.push(...heardAt.map((at) => at - askedAt));
    await pause(SETTLED_MS);
  }
  for (const stream of [first, ...streams]) stream.close();
  return { idleKb, wakeMs };
}
