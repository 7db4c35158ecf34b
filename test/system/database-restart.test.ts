import { onTestFinished, expect, test } from "vitest";
import { type PostgresServer, startPostgres } from "../support/databases/postgres-server.js";
import { bearing, type HttpServer, portOf, startHttpServer } from "../support/http/http-server.js";
import { startReplicaTeam } from "../support/http/replica-team.js";
import { startRoundRobin } from "../support/http/round-robin.js";
import { personsDatabaseAt } from "../support/http/tokens.js";
import { startApp } from "../support/servers/app.js";
import { until } from "../support/until.js";

const BACK_MS_MAX = 5_000;
const REPLICAS = 3;
const PROJECT = "probes";

/** Answers to the clients of one replica, which was called without a pause. */
interface Probe {
  /** Instants of successes, by the monotonic clock. */
  readonly successes: number[];
  readonly refusals: { readonly status: number; readonly body: Record<string, unknown> }[];
  readonly keys: Set<string>;
}

test("servers whose PostgreSQL stops or is killed under load are back within 5 s of it, and lose and double nothing", async () => {
  // Commits are on the disk, as a team has it.
  const postgres = await startPostgres(["-c", "fsync=on"]);
  onTestFinished(() => postgres.stop());
  const person = personsDatabaseAt(postgres.url);
  const prober = await person.token("worker", "--agent", "prober");
  const proxy = await startRoundRobin();
  const replicas: HttpServer[] = [];
  for (let n = 0; n < REPLICAS; n++) {
    const server = await startHttpServer({
      database: person.database,
      args: ["--public-url", "https://baton.example"],
    });
    proxy.ports.add(portOf(server));
    replicas.push(server);
  }
  const team = await startReplicaTeam(person, { proxy, layers: 60 });
  await replicas[0]!.call("create_project", { name: PROJECT }, bearing(prober));
  let isOver = false;
  const probes = replicas.map((): Probe => ({ successes: [], refusals: [], keys: new Set() }));
  const probing = replicas.map((replica, n) =>
    probe(replica, { into: probes[n]!, n, bearer: prober, isOver: () => isOver }),
  );
  const working = team.work();

  const outages: string[] = [];
  const outage = async (how: "fast" | "killed", during?: () => Promise<unknown>): Promise<void> => {
    const before = team.done.size;
    await until("the team has work in hand", () => team.done.size >= before + 4, 120_000);
    await postgres.halt(how);
    await during?.();
    await postgres.resume();
    const acceptedAt = performance.now();
    const backMs = await Promise.all(probes.map((one) => firstSuccessAfter(one, acceptedAt)));
    outages.push(`${how}: ${backMs.map((ms) => `${Math.round(ms)} ms`).join(", ")}`);
    expect(Math.max(...backMs)).toBeLessThanOrEqual(BACK_MS_MAX);
    await until("the team goes on", () => team.done.size >= before + 8, 120_000);
  };
  await outage("fast");
  await outage("killed");
  // This outage is longer than a call waits for its database: clients are told.
  const refusedEach = () =>
    until("each replica has refused a call", () => probes.every((one) => one.refusals.length > 0), 60_000);
  await outage("fast", refusedEach);
  await Promise.race([working, until("all is done", () => team.done.size >= team.tasks, 300_000)]);
  await working;
  isOver = true;
  await Promise.all(probing);
  console.log(`first success of each replica after PostgreSQL took connections again: ${outages.join("; ")}`);

  for (const { status, body } of probes.flatMap(({ refusals }) => refusals)) {
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: "unavailable", retry: { after_ms: 1_000 } });
    expect(String(body["detail"])).toMatch(/cannot be reached/);
  }
  expect(await team.findings(false)).toBe("");
  const sent = probes.flatMap(({ keys }) => [...keys]).sort();
  expect((await titlesIn(postgres, PROJECT)).sort()).toEqual(sent);
}, 600_000);

/** Makes one task after the other at one replica, each under one key until it is answered. */
async function probe(
  { call }: HttpServer,
  { into, n, bearer, isOver }: { into: Probe; n: number; bearer: string; isOver: () => boolean },
): Promise<void> {
  for (let m = 0; !isOver(); m++) {
    const title = `probe ${n}-${m}`;
    into.keys.add(title);
    for (;;) {
      const headers = { ...bearing(bearer), "Idempotency-Key": title };
      const { status, body } = await call("create_task", { title, prompt: "none", project: PROJECT }, headers);
      if (status === 200) break;
      if (status !== 503) throw new Error(`create_task is answered ${status}: ${JSON.stringify(body)}`);
      into.refusals.push({ status, body });
    }
    into.successes.push(performance.now());
  }
}

function firstSuccessAfter({ successes }: Probe, instant: number): Promise<number> {
  return until("a replica succeeds again", () => successes.find((at) => at > instant), 60_000).then(
    (at) => at - instant,
  );
}

async function titlesIn({ url }: PostgresServer, project: string): Promise<string[]> {
  const { call } = await startApp({ database: url });
  const titles: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await call("list_tasks", { project, limit: 200, ...(cursor !== undefined && { cursor }) });
    titles.push(...page.tasks.map(({ title }) => title));
    if (page.next_cursor === undefined) return titles;
    cursor = page.next_cursor;
  }
}
