import type { Client, McpSubscription } from "@modelcontextprotocol/client";
import { expect, test } from "vitest";
import { Checker, findingsText } from "../support/checker/checker.js";
import { type Acknowledged, acknowledgedBy } from "../support/checker/journal.js";
import { connectedClient, type Era, type HttpServer, startHttpServer } from "../support/http/http-server.js";
import { startRoundRobin } from "../support/http/round-robin.js";
import { personsDatabase } from "../support/http/tokens.js";
import { startApp } from "../support/servers/app.js";
import { resultOf } from "../support/servers/result-of.js";
import { until } from "../support/until.js";

const LAYERS = 6;
const WIDTH = 4;
const AGENTS: readonly (readonly [name: string, era: Era])[] = [
  ["ann", "modern"],
  ["ben", "legacy"],
  ["cara", "modern"],
  ["dan", "legacy"],
];

const steps = Array.from({ length: LAYERS * WIDTH }, (_, n) => {
  const layer = Math.floor(n / WIDTH);
  const before = Array.from({ length: WIDTH }, (_unused, m) => `s${(layer - 1) * WIDTH + m}`);
  return { key: `s${n}`, prompt: "do it", ...(layer > 0 && { needs: before }) };
});

type Input = Readonly<Record<string, unknown>>;

/** Calls a tool until it is answered: under one request id a server carries it out once, whichever takes it. */
async function answered(client: Client, name: string, input: Input): Promise<Record<string, unknown>> {
  return until(
    `${name} is answered`,
    async () => {
      const result = await client.callTool({ name, arguments: { ...input } }).catch(() => undefined);
      if (result === undefined) return undefined;
      const { isError, structuredContent: content } = result;
      if (isError === true) throw new Error(`${name}: ${JSON.stringify(content)}`);
      return content as Record<string, unknown>;
    },
    120_000,
  );
}

test("clients of both protocols hop between servers in mid-run, one of which is killed with a subscription open", async () => {
  const person = await personsDatabase("postgres");
  const proxy = await startRoundRobin();
  const portOf = ({ origin }: HttpServer) => Number(new URL(origin).port);
  const start = async () => {
    const args = ["--public-url", "https://baton.example"];
    const server = await startHttpServer({ database: person.database, args });
    proxy.ports.add(portOf(server));
    return server;
  };
  // A server that others reach does not start before there is a token.
  const bearers = new Map<string, string>();
  for (const [agent] of AGENTS) bearers.set(agent, await person.token("worker", "--agent", agent));
  const [killed] = [await start(), await start(), await start()];
  const clients = new Map<string, Client>();
  for (const [agent, era] of AGENTS)
    clients.set(agent, await connectedClient(proxy.origin, era, { name: agent, bearer: bearers.get(agent)! }));

  const journal: Acknowledged[] = [];
  const done = new Set<string>();
  const call = async (agent: string, name: string, { key, ...rest }: { key: string; [name: string]: unknown }) => {
    const input = { ...rest, request_id: `${agent}-${key}` };
    const body = await answered(clients.get(agent)!, name, input);
    journal.push(...acknowledgedBy({ name, agent, input }, body));
    return body;
  };
  const definition = { name: "layers", steps };
  const started = await call("ann", "execute_workflow", { key: "start", definition, wait_seconds: 0 });
  const run = resultOf("execute_workflow", started).run.id;

  // A subscription at the server that is killed, then wherever the proxy leads.
  const uri = `baton://runs/${run}`;
  const told: string[] = [];
  const listen = async (origin: string): Promise<McpSubscription> => {
    const watcher = await connectedClient(origin, "modern", { name: "watcher", bearer: bearers.get("ann")! });
    watcher.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
    return watcher.listen({ resourceSubscriptions: [uri] });
  };
  const first = await listen(killed.origin);

  let isReopened = false;
  const work = async (agent: string): Promise<void> => {
    for (let n = 0; done.size < steps.length; n++) {
      // Half of the run is left for the subscription that is opened again, however slow that is.
      await until("the subscription is open again", () => isReopened || done.size < steps.length / 2, 120_000);
      const claim = await call(agent, "claim_task", { key: `claim-${n}`, run, wait_seconds: 1 });
      if (claim["outcome"] !== "claimed") continue;
      const { task, lease } = resultOf("claim_task", claim);
      const held = { task: task!.id, token: lease!.token };
      expect(done.has(task!.id)).toBe(false);
      await call(agent, "report_progress", { key: `beat-${n}`, ...held, percent: 50 });
      await call(agent, "complete_task", { key: `end-${n}`, ...held, result: { agent } });
      done.add(task!.id);
    }
  };
  const faults = async (): Promise<void> => {
    await until("the subscriber is told of the first tasks", () => done.size >= WIDTH && told.length > 0, 120_000);
    killed.child.kill("SIGKILL");
    expect(await first.closed).toBe("remote");
    proxy.ports.delete(portOf(killed));
    await listen(proxy.origin);
    const before = told.length;
    isReopened = true;
    await until("the subscriber is told again", () => told.length > before, 120_000);
  };
  await Promise.all([...AGENTS.map(([agent]) => work(agent)), faults()]);

  expect(done.size).toBe(steps.length);
  expect(new Set(told)).toEqual(new Set([uri]));
  const { app, call: read } = await startApp({ database: person.database });
  expect((await read("get_run", { run })).run.status).toBe("succeeded");
  const findings = await new Checker(await app.store()).findings({ journal, over: true });
  expect(findingsText(findings)).toBe("");
}, 300_000);
