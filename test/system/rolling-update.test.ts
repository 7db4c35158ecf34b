import { expect, test } from "vitest";
import { SCHEMA_VERSION } from "../../src/store/migrations/index.js";
import { onPostgres } from "../support/databases/databases.js";
import { bearing, type HttpServer, portOf, startHttpServer } from "../support/http/http-server.js";
import { openStream } from "../support/http/event-stream.js";
import { startReplicaTeam } from "../support/http/replica-team.js";
import { startRoundRobin } from "../support/http/round-robin.js";
import { personsDatabase } from "../support/http/tokens.js";
import { startServer } from "../support/servers/client.js";
import { buildNextVersion } from "../support/http/next-version.js";
import { until } from "../support/until.js";

const REPLICAS = 3;
const STEP_TASKS = 8;

test("servers are replaced one after the other by those of a version that moves the schema on, while clients hop between both, and nothing is lost or doubled", async () => {
  const next = buildNextVersion();
  const person = await personsDatabase("postgres");
  const [watcher, proxy] = [await person.token("worker"), await startRoundRobin()];
  const args = ["--public-url", "https://baton.example"];
  const start = async (program?: string): Promise<HttpServer> => {
    const server = await startHttpServer({
      database: person.database,
      args,
      ...(program !== undefined && { program }),
    });
    proxy.ports.add(portOf(server));
    return server;
  };
  const isReady = async ({ origin }: HttpServer) => (await fetch(`${origin}/readyz`)).status === 200;
  const old: HttpServer[] = [];
  for (let n = 0; n < REPLICAS; n++) old.push(await start());
  const team = await startReplicaTeam(person, { proxy, layers: 15 });
  const stream = await openStream(`${old[0]!.origin}/api/v1/events`, bearing(watcher));

  // Some of the work is left for each step of the update, however fast the team is.
  let allowed = STEP_TASKS;
  const update = async (): Promise<void> => {
    await until("the team has done some of its work", () => team.done.size >= allowed, 120_000);
    for (const [n, replaced] of old.entries()) {
      expect(await isReady(await start(next))).toBe(true);
      // The schema has moved on with the first new one: the old ones say so to the proxy's probe, and refuse.
      await until("the old server is not ready", async () => !(await isReady(replaced)));
      allowed += STEP_TASKS;
      await until("the team goes on beside both versions", () => team.done.size >= allowed, 120_000);
      const rest = n === 0 ? await stream.rest() : [];
      expect(rest.map(({ name }) => name)).not.toContain("end");
      proxy.ports.delete(portOf(replaced));
      replaced.child.kill("SIGTERM");
      expect(await replaced.ended).toEqual({ code: 0, signal: null });
    }
    allowed = Infinity;
  };
  await Promise.all([team.work(() => team.done.size < allowed), update()]);
  expect(proxy.refusals.length).toBeGreaterThan(0);
  for (const problem of proxy.refusals)
    expect(problem).toMatchObject({
      code: "unavailable",
      detail: expect.stringContaining("restart to update"),
      retry: {},
    });
  // The old version goes no further than to say so, over stdio too.
  const late = startServer({ database: person.database, args: ["call", "get_system_status"] });
  expect(await late.ended).toMatchObject({ code: 1 });
  expect(late.stderr()).toContain("restart to update");
  // This version's checker reads what the next one has left: a column is all that is new.
  await onPostgres(person.database, `UPDATE baton_schema SET version = ${SCHEMA_VERSION}`);
  expect(await team.findings()).toBe("");
}, 300_000);
