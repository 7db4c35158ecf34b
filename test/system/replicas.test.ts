import { expect, test } from "vitest";
import { type HttpServer, portOf, startHttpServer } from "../support/http/http-server.js";
import { startReplicaTeam } from "../support/http/replica-team.js";
import { startRoundRobin } from "../support/http/round-robin.js";
import { personsDatabase } from "../support/http/tokens.js";
import { until } from "../support/until.js";

test("servers on one PostgreSQL behind a proxy lose and double nothing while one is killed, one stands still and one is replaced", async () => {
  const person = await personsDatabase("postgres");
  // A server that others reach does not start before there is a token.
  await person.token("worker");
  const proxy = await startRoundRobin();
  const start = async (): Promise<HttpServer> => {
    const args = ["--public-url", "https://baton.example"];
    const server = await startHttpServer({ database: person.database, args });
    proxy.ports.add(portOf(server));
    return server;
  };
  const [killed, frozen, replaced] = [await start(), await start(), await start()];
  const team = await startReplicaTeam(person, { proxy, layers: 10 });
  const faults = async (): Promise<void> => {
    await until("a few tasks are done", () => team.done.size >= 4, 120_000);
    killed.child.kill("SIGKILL");
    await until("more are done without it", () => team.done.size >= 12, 120_000);
    proxy.ports.delete(portOf(killed));
    frozen.child.kill("SIGSTOP");
    await until("more are done beside one that stands still", () => team.done.size >= 20, 120_000);
    frozen.child.kill("SIGCONT");
    await start();
    proxy.ports.delete(portOf(replaced));
    replaced.child.kill("SIGTERM");
    expect(await replaced.ended).toEqual({ code: 0, signal: null });
  };
  await Promise.all([team.work(), faults()]);
  expect(team.done.size).toBe(team.tasks);
  expect(await team.findings()).toBe("");
}, 300_000);
