import { expect, test } from "vitest";
import { Checker, findingsText } from "../support/checker/checker.js";
import { type Acknowledged, acknowledgedBy } from "../support/checker/journal.js";
import { bearing, type HttpServer, startHttpServer } from "../support/http/http-server.js";
import { startRoundRobin } from "../support/http/round-robin.js";
import { personsDatabase } from "../support/http/tokens.js";
import { startApp } from "../support/servers/app.js";
import { resultOf } from "../support/servers/result-of.js";
import { until } from "../support/until.js";

const LAYERS = 10;
const WIDTH = 4;
const AGENTS = ["ann", "ben", "cara", "dan"];

/** Ten layers of four steps, each of which needs all of the layer before. */
const steps = Array.from({ length: LAYERS * WIDTH }, (_, n) => {
  const layer = Math.floor(n / WIDTH);
  const before = Array.from({ length: WIDTH }, (_unused, m) => `s${(layer - 1) * WIDTH + m}`);
  return { key: `s${n}`, prompt: "do it", ...(layer > 0 && { needs: before }) };
});

test("servers on one PostgreSQL behind a proxy lose and double nothing while one is killed, one stands still and one is replaced", async () => {
  const person = await personsDatabase("postgres");
  const proxy = await startRoundRobin();
  const portOf = ({ origin }: HttpServer) => Number(new URL(origin).port);
  const start = async () => {
    const args = ["--public-url", "https://baton.example"];
    const server = await startHttpServer({ database: person.database, args });
    proxy.ports.add(portOf(server));
    return server;
  };
  const bearers = new Map<string, string>();
  for (const agent of AGENTS) bearers.set(agent, await person.token("worker", "--agent", agent));
  const [killed, frozen, replaced] = [await start(), await start(), await start()];

  const journal: Acknowledged[] = [];
  const done = new Set<string>();
  const call = async (agent: string, name: string, { key, ...input }: { key: string; [name: string]: unknown }) => {
    const headers = { ...bearing(bearers.get(agent)!), "Idempotency-Key": `${agent}-${key}` };
    const { status, body } = await proxy.call(name, input, headers);
    if (status !== 200) throw new Error(`${name} is answered ${status}: ${JSON.stringify(body)}`);
    journal.push(...acknowledgedBy({ name, agent, input }, body));
    return body;
  };
  const definition = { name: "layers", steps };
  const started = await call("ann", "execute_workflow", { key: "start", definition, wait_seconds: 0 });
  const run = resultOf("execute_workflow", started).run.id;
  const work = async (agent: string): Promise<void> => {
    for (let n = 0; done.size < steps.length; n++) {
      const claim = await call(agent, "claim_task", { key: `claim-${n}`, run, wait_seconds: 1 });
      if (claim["outcome"] !== "claimed") continue;
      const { task, lease } = resultOf("claim_task", claim);
      expect(done.has(task!.id)).toBe(false);
      await call(agent, "complete_task", { key: `end-${n}`, task: task!.id, token: lease!.token, result: { agent } });
      done.add(task!.id);
    }
  };
  const faults = async (): Promise<void> => {
    await until("a few tasks are done", () => done.size >= WIDTH, 120_000);
    killed.child.kill("SIGKILL");
    await until("more are done without it", () => done.size >= 3 * WIDTH, 120_000);
    proxy.ports.delete(portOf(killed));
    frozen.child.kill("SIGSTOP");
    await until("more are done beside one that stands still", () => done.size >= 5 * WIDTH, 120_000);
    frozen.child.kill("SIGCONT");
    await start();
    proxy.ports.delete(portOf(replaced));
    replaced.child.kill("SIGTERM");
    expect(await replaced.ended).toEqual({ code: 0, signal: null });
  };
  await Promise.all([...AGENTS.map(work), faults()]);

  expect(done.size).toBe(steps.length);
  const { app, call: read } = await startApp({ database: person.database });
  expect((await read("get_run", { run })).run.status).toBe("succeeded");
  const findings = await new Checker(await app.store()).findings({ journal, over: true });
  expect(findingsText(findings)).toBe("");
}, 300_000);
