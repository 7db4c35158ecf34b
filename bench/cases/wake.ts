import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import type { InputOf, OperationName, ResultOf } from "../../src/tools/registry.js";
import { resultOf } from "../../test/support/servers/result-of.js";
import { type Bench, type Benchmark, type Line, type Outcome } from "../harness/benchmark.js";
import { SERVER } from "../harness/places.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { median, percentile } from "../harness/rounds.js";

const ROUNDS = 40;
/** Long enough for a claim to have found nothing and wait. */
const SETTLED_MS = 60;
const NOTIFIED_MS_MAX = 100;

export const wake: Benchmark = {
  name: "wake",
  title: "From a change in one process to who waits in another",
  async run(bench: Bench): Promise<Outcome> {
    const rounds = bench.quick ? 10 : ROUNDS;
    const onSqlite = await measure(bench, { BATON_DB: path.join(bench.directory, "wake.db") }, rounds);
    const server = await startDurablePostgres();
    try {
      const onPostgres = await measure(bench, { BATON_DATABASE_URL: server.url }, rounds);
      return {
        lines: [...linesOf("SQLite", onSqlite), ...linesOf("PostgreSQL", onPostgres)],
        notes: ["Two built servers, each with the SDK's client; from the answer of the call that made the change."],
      };
    } finally {
      await server.stop();
    }
  },
};

interface Waits {
  /** Until notifications/resources/updated, in ms. */
  readonly notified: readonly number[];
  /** Until a waiting claim_task is answered. */
  readonly claimed: readonly number[];
}

function linesOf(backend: string, { notified, claimed }: Waits): Line[] {
  return [
    { what: `${backend}: resources/updated, median`, value: median(notified), unit: "ms" },
    {
      what: `${backend}: resources/updated, p95`,
      value: percentile(notified, 0.95),
      unit: "ms",
      target: { of: "value", at: "most", limit: NOTIFIED_MS_MAX },
    },
    { what: `${backend}: a waiting claim, median`, value: median(claimed), unit: "ms" },
    { what: `${backend}: a waiting claim, p95`, value: percentile(claimed, 0.95), unit: "ms" },
  ];
}

async function measure(bench: Bench, database: Record<string, string>, rounds: number): Promise<Waits> {
  bench.say(Object.keys(database).join());
  const [actor, watcher] = await Promise.all([connect(bench, database), connect(bench, database)]);
  await call(actor, "create_project", { name: "p" });
  const notified: number[] = [];
  const claimed: number[] = [];
  let heard: ((at: number) => void) | undefined;
  watcher.setNotificationHandler(ResourceUpdatedNotificationSchema, () => heard?.(performance.now()));
  // The first round loads what each server needs for it, and is not counted.
  for (let round = -1; round < rounds; round++) {
    const waiting = call(watcher, "claim_task", { project: "p", agent: "watcher", wait_seconds: 20 }).then(
      ({ task, lease }) => ({ task, lease, at: performance.now() }),
    );
    await pause(SETTLED_MS);
    await call(actor, "create_task", { project: "p", title: `T${round}`, prompt: "Do it." });
    const createdAt = performance.now();
    const { task, lease, at } = await waiting;
    if (!task || !lease) throw new Error("the waiting claim came back without the task that was made for it");
    if (round >= 0) claimed.push(Math.max(0, at - createdAt));
    const uri = `baton://tasks/${task.id}`;
    await watcher.subscribeResource({ uri });
    const told = new Promise<number>((resolve) => (heard = resolve));
    const holding = { agent: "watcher", task: task.id, token: lease.token };
    await call(actor, "complete_task", holding);
    const completedAt = performance.now();
    const toldAt = await told;
    if (round >= 0) notified.push(Math.max(0, toldAt - completedAt));
    heard = undefined;
    await watcher.unsubscribeResource({ uri });
  }
  await Promise.all([actor.close(), watcher.close()]);
  return { notified, claimed };
}

async function connect({ directory }: Bench, database: Record<string, string>): Promise<Client> {
  const client = new Client({ name: "bench", version: "1" });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    XDG_CONFIG_HOME: directory,
    XDG_DATA_HOME: directory,
  };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [SERVER],
      cwd: directory,
      env: { ...env, ...database },
    }),
  );
  return client;
}

async function call<N extends OperationName>(client: Client, name: N, given: InputOf<N>): Promise<ResultOf<N>> {
  const answer = await client.callTool({ name, arguments: given });
  if (answer.isError === true) throw new Error(`${name}: ${JSON.stringify(answer.structuredContent)}`);
  return resultOf(name, answer.structuredContent);
}
