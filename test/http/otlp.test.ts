import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { bearing, bodyOf, type HttpServer, JSON_BODY, startHttpServer } from "../support/http/http-server.js";
import { personsDatabase } from "../support/http/tokens.js";
import { resultOf } from "../support/servers/result-of.js";
import { connectClient } from "../support/servers/client.js";

const DATA = path.resolve(import.meta.dirname, "../data/otlp");
/** The conversation of the fixtures, which a client tells its servers too. */
const CONVERSATION = "7f8a0e2c-5f0e-4f57-9e55-0d6c2b9f1a11";
const FIXTURE_START_MS = 1_764_525_600_000;
const FIXTURE_MS = 60_000;

type Signal = "metrics" | "logs";

/** A recorded export, moved in time so that it ends now. */
function recorded(signal: Signal, changed: (text: string) => string = (text) => text): string {
  const shiftMs = Date.now() - FIXTURE_MS - FIXTURE_START_MS;
  const text = readFileSync(path.join(DATA, `claude-code-${signal}.json`), "utf8");
  const moved = text.replaceAll(/("\w*[tT]imeUnixNano": ")(\d+)"/g, (_, key: string, nanoseconds: string) => {
    return `${key}${BigInt(nanoseconds) + BigInt(shiftMs) * 1_000_000n}"`;
  });
  return changed(moved);
}

/** Says in the resource which agent the client is, as OTEL_RESOURCE_ATTRIBUTES does. */
const ofAgent = (agent: string) => (text: string) =>
  text.replace('"service.name"', '"baton.agent"').replace('"claude-code"', JSON.stringify(agent));

interface Export {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

async function send(server: HttpServer, signal: Signal, { body, headers }: Export) {
  const response = await fetch(`${server.origin}/otlp/v1/${signal}`, {
    method: "POST",
    body,
    headers: { ...JSON_BODY, ...headers },
  });
  return { status: response.status, body: await bodyOf(response) };
}

async function costs(server: HttpServer, by: string, where: object = { all_projects: true }) {
  return resultOf("get_costs", (await server.call("get_costs", { group_by: by, ...where })).body);
}

/** The fixture's sum over both models. */
const TOTAL = {
  cost: 0.0819,
  list_price_estimate: 0.0819,
  input_tokens: 1_500,
  output_tokens: 660,
  cached_tokens: 30_000,
  cache_write_tokens: 5_000,
};

describe.each(BACKENDS)("exports of Claude Code, on %s", (backend) => {
  test("are booked to the agent and the task of its session, once however often and by whichever signal they come", async () => {
    const { location: database } = await createDatabase(backend);
    const server = await startHttpServer({ database });
    const client = await connectClient({
      database,
      clientName: "claude-code",
      env: { CLAUDE_CODE_SESSION_ID: CONVERSATION },
    });
    await client.call("create_project", { name: "p" });
    const definition = { name: "w", steps: [{ key: "a", prompt: "x" }] };
    const { run } = await client.call("execute_workflow", { definition, project: "p", budget: 1 });
    const { task, lease } = await client.call("claim_task", { project: "p" });
    if (task === undefined || lease === undefined) throw new Error("nothing was claimed");

    const metrics = recorded("metrics");
    const logs = recorded("logs");
    for (const [signal, body] of [
      ["metrics", metrics],
      ["logs", logs],
      ["logs", logs],
      ["metrics", metrics],
    ] as const)
      expect(await send(server, signal, { body })).toEqual({ status: 200, body: {} });

    expect((await costs(server, "task")).groups).toEqual([expect.objectContaining({ task: task.id, ...TOTAL })]);
    const [byAgent] = (await costs(server, "agent", { project: "p" })).groups;
    expect(byAgent).toMatchObject({ agent: expect.stringMatching(/^claude-code-/), ...TOTAL });
    expect((await costs(server, "model")).groups.map(({ model, cost }) => [model, cost])).toEqual([
      ["claude-opus-4-7", 0.0815],
      ["claude-haiku-4-5", 0.0004],
    ]);
    expect(JSON.stringify(await client.call("get_run", { run: run.id }))).toContain('"spent":0.0819');

    // The agent's own report of the same attempt is no second cost.
    const usage = { model: "claude-opus-4-7", input_tokens: 1_200, output_tokens: 640, cost: 5 };
    await client.call("complete_task", { task: task.id, token: lease.token, result: {}, usage });
    expect((await costs(server, "run")).total).toMatchObject(TOTAL);
  });

  test("that come after the agent's own report of the attempt add nothing", async () => {
    const { location: database } = await createDatabase(backend);
    const server = await startHttpServer({ database });
    await server.call("create_project", { name: "p" });
    await server.call("create_task", { title: "t", prompt: "x", project: "p" });
    const { task, lease } = resultOf(
      "claim_task",
      (await server.call("claim_task", { project: "p", agent: "ann" })).body,
    );
    const usage = { model: "claude-opus-4-7", input_tokens: 10, output_tokens: 5, cost: 0.5 };
    await server.call("complete_task", { task: task?.id, token: lease?.token, agent: "ann", result: {}, usage });
    expect(await send(server, "metrics", { body: recorded("metrics", ofAgent("ann")) })).toEqual({
      status: 200,
      body: {},
    });
    const { total } = await costs(server, "task");
    expect(total).toMatchObject({ cost: 0.5 });
  });
});

const ODD_EXPORTS: readonly (Export & { readonly what: string; readonly status: number })[] = [
  { what: "another type", body: "{}", headers: { "Content-Type": "application/x-protobuf" }, status: 415 },
  { what: "a compressed body", body: "{}", headers: { "Content-Encoding": "gzip" }, status: 415 },
  { what: "no JSON", body: "{", status: 400 },
  { what: "another value than an object", body: "[1]", status: 200 },
  { what: "lists that are none", body: `{"resourceLogs":{"a":1}}`, status: 200 },
  { what: "nulls", body: `{"resourceLogs":[null,{"scopeLogs":[null,{"logRecords":[null,7]}]}]}`, status: 200 },
  { what: "a body over the limit", body: `{"a":"${"x".repeat(200_000)}"}`, status: 413 },
];

describe("the receiver", () => {
  test("counts sums that go on as their growth, and a delta that is sent again once", async () => {
    const server = await startHttpServer();
    await server.call("register_agent", { name: "ann" });
    const start = Date.now() - 60_000;
    const point = (value: number, atMs: number, since = start) => ({
      attributes: [
        { key: "session.id", value: { stringValue: "s" } },
        { key: "model", value: { stringValue: "m" } },
        { key: "type", value: { stringValue: "output" } },
      ],
      startTimeUnixNano: `${since}000000`,
      timeUnixNano: `${atMs}000000`,
      asInt: String(value),
    });
    const request = (aggregationTemporality: number, ...dataPoints: object[]) =>
      JSON.stringify({
        resourceMetrics: [
          {
            resource: { attributes: [{ key: "baton.agent", value: { stringValue: "ann" } }] },
            scopeMetrics: [
              { metrics: [{ name: "claude_code.token.usage", sum: { aggregationTemporality, dataPoints } }] },
            ],
          },
        ],
      });
    const tokens = async () => (await costs(server, "agent")).total.output_tokens;
    await send(server, "metrics", { body: request(2, point(100, start + 1)) });
    await send(server, "metrics", { body: request(2, point(150, start + 2)) });
    await send(server, "metrics", { body: request(2, point(150, start + 2)) });
    expect(await tokens()).toBe(150);
    // The client was started again: its sum begins anew.
    await send(server, "metrics", { body: request(2, point(30, start + 4, start + 3)) });
    expect(await tokens()).toBe(180);
    await send(server, "metrics", { body: request(1, point(20, start + 5)) });
    await send(server, "metrics", { body: request(1, point(20, start + 5)) });
    await send(server, "metrics", { body: request(1, point(5, start + 6), point(7, start + 7)) });
    expect(await tokens()).toBe(212);
  });

  test("books nothing for a session that no agent works over, and says how to name one", async () => {
    const server = await startHttpServer();
    const { status, body } = await send(server, "logs", { body: recorded("logs") });
    expect([status, body]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: "3", errorMessage: expect.stringContaining("baton.agent=") } },
    ]);
    expect((await costs(server, "agent")).total.records).toBe(0);
  });

  test("books to the agents of a token alone, and wants one where the server asks everybody", async () => {
    const { database, token, env } = await personsDatabase();
    const [ann, bob] = [await token("worker", "--agent", "ann"), await token("worker", "--agent", "bob")];
    const args = ["--public-url", "https://baton.example"];
    const server = await startHttpServer({ database, env, args, bearer: ann });
    await server.call("register_agent", { name: "ann" });
    const logs = recorded("logs", ofAgent("ann"));
    expect((await send(server, "logs", { body: logs })).status).toBe(401);
    const others = await send(server, "logs", { body: logs, headers: bearing(bob) });
    expect(others.body).toMatchObject({ partialSuccess: { errorMessage: expect.stringContaining("may not act") } });
    expect((await costs(server, "agent")).total.records).toBe(0);
    expect(await send(server, "logs", { body: logs, headers: bearing(ann) })).toEqual({ status: 200, body: {} });
    expect((await costs(server, "agent")).groups).toEqual([expect.objectContaining({ agent: "ann", ...TOTAL })]);
  });

  test.each(ODD_EXPORTS)("answers $what and goes on", async ({ body, headers, status }) => {
    const server = await startHttpServer({ env: { BATON_INPUT_BYTES_MAX: "100000" } });
    expect((await send(server, "logs", { body, headers })).status).toBe(status);
    expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
  });

  test("takes no amount that none can be", async () => {
    const server = await startHttpServer();
    await server.call("register_agent", { name: "ann" });
    const wrong = [`"intValue": -5`, `"intValue": "1e400"`, `"stringValue": "NaN"`, `"doubleValue": 1e300`];
    for (const amount of wrong) {
      const hostile = (text: string) =>
        ofAgent("ann")(text).replaceAll(
          /"key": "input_tokens",\s+"value": \{\s+"intValue": \d+/g,
          `"key": "input_tokens", "value": {${amount}`,
        );
      const { body } = await send(server, "logs", { body: recorded("logs", hostile) });
      expect(body).toMatchObject({ partialSuccess: { rejectedLogRecords: "3" } });
    }
    expect((await costs(server, "agent")).total.records).toBe(0);
  });
});
