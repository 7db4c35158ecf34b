import { describe, expect, test } from "vitest";
import { startCollector } from "../support/http/collector.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { connectedClient, startHttpServer } from "../support/http/http-server.js";
import type { ResultOf } from "../../src/tools/registry.js";
import { connectClient } from "../support/servers/client.js";
import { resultOf } from "../support/servers/result-of.js";

const CALLER = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const TRACEPARENT = `00-${CALLER.traceId}-${CALLER.spanId}-01`;
const UNSAMPLED = `00-${CALLER.traceId}-${CALLER.spanId}-00`;
const DEFINITION = {
  name: "w",
  steps: [
    { key: "a", prompt: "a-private-prompt" },
    { key: "b", prompt: "another", needs: ["a"] },
  ],
};

function held(claim: ResultOf<"claim_task">) {
  if (claim.task === undefined || claim.lease === undefined) throw new Error("nothing was claimed");
  return { task: claim.task, lease: claim.lease };
}

describe.each(BACKENDS)("traces, on %s", (backend) => {
  test("a run that two processes work on is one trace, with each span under its own", async () => {
    const { location: database } = await createDatabase(backend);
    const collector = await startCollector();
    const env = {
      ...collector.env,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20secret",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
      OTEL_SERVICE_NAME: "our-baton",
    };
    const one = await connectClient({ database, env });
    const other = await startHttpServer({ database, env });

    await one.call("create_project", { name: "p" });
    const { run } = await one.call("execute_workflow", { definition: DEFINITION, project: "p" });
    const a = held(await one.call("claim_task", { project: "p", agent: "ann" }));
    const usage = { model: "m", input_tokens: 7, cached_tokens: 3, output_tokens: 2 };
    await one.call("report_progress", { task: a.task.id, token: a.lease.token, agent: "ann", percent: 50 });
    await one.call("complete_task", { task: a.task.id, token: a.lease.token, agent: "ann", result: {}, usage });
    const b = held(resultOf("claim_task", (await other.call("claim_task", { project: "p", agent: "bob" })).body));
    const end = { task: b.task.id, token: b.lease.token, agent: "bob", result: {} };
    expect((await other.call("complete_task", end, { traceparent: TRACEPARENT })).status).toBe(200);

    const [root] = await collector.waitFor("the run's span", ({ name }) => name === "run");
    const inTrace = () => collector.spans().filter(({ traceId }) => traceId === root!.traceId);
    const calls = ["execute_workflow", "claim_task", "report_progress", "complete_task"];
    const [started, firstClaim, progress, completion] = await Promise.all(
      calls.map(async (call) => (await collector.waitFor(call, ({ name }) => name === `tools/call ${call}`))[0]!),
    );
    const [secondClaim] = await collector.waitFor("the claim by REST", ({ name }) => name === "claim_task");
    const [byCaller] = await collector.waitFor("the caller's span", ({ traceId }) => traceId === CALLER.traceId);
    const attempts = inTrace().filter(({ name }) => name.startsWith("task "));

    expect(root).toMatchObject({
      attributes: { "baton.run.id": run.id, "baton.run.status": "succeeded", "baton.run.tasks.succeeded": 2 },
      resource: {
        "service.name": "our-baton",
        "service.version": expect.any(String),
        "service.instance.id": expect.stringMatching(/^session_/),
        "deployment.environment.name": "test",
      },
    });
    expect(root).not.toHaveProperty("parentSpanId");
    const [first, second, ...others] = attempts.toSorted((x, y) => x.name.localeCompare(y.name));
    expect(first).toMatchObject({ name: "task a", parentSpanId: root!.spanId });
    expect(second).toMatchObject({ name: "task b", parentSpanId: root!.spanId });
    expect(others).toEqual([]);
    expect(first!.attributes).toMatchObject({
      "baton.attempt.outcome": "succeeded",
      "gen_ai.agent.name": "ann",
      "gen_ai.request.model": "m",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 2,
    });
    expect(first!.endMs).toBeGreaterThanOrEqual(first!.startMs);
    // Each was sent by the process that ended it.
    expect(first!.resource["service.instance.id"]).not.toBe(second!.resource["service.instance.id"]);
    for (const call of [started, firstClaim, secondClaim])
      expect(call).toMatchObject({ traceId: root!.traceId, parentSpanId: root!.spanId, kind: 2 });
    for (const call of [progress, completion])
      expect(call).toMatchObject({ traceId: root!.traceId, parentSpanId: first!.spanId });
    expect(completion!.attributes).toMatchObject({
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "complete_task",
      "network.transport": "pipe",
      "baton.run.id": run.id,
    });
    expect(byCaller).toMatchObject({
      name: "complete_task",
      parentSpanId: CALLER.spanId,
      links: [{ traceId: root!.traceId, spanId: second!.spanId }],
    });
    await one.close();
    expect(new Set(collector.spans().map(({ spanId }) => spanId)).size).toBe(collector.spans().length);
    const { posts } = collector.receiver;
    expect(posts.every(({ headers }) => headers["x-key"] === "a secret")).toBe(true);
    expect(posts.map(({ body }) => body).join("")).not.toMatch(/private-prompt|a secret/);
  });

  test("an attempt whose process is killed has its span from the process that takes the task back", async () => {
    const { location: database } = await createDatabase(backend);
    const collector = await startCollector();
    const env = { ...collector.env, BATON_SESSION_GRACE_MS: "100" };
    const one = await connectClient({ database, env });
    const other = await connectClient({ database, env });
    await one.call("create_project", { name: "p" });
    await one.call("execute_workflow", { definition: DEFINITION, project: "p" });
    await one.call("claim_task", { project: "p", agent: "ann" });
    await other.call("list_runs", { project: "p" });
    one.server.child.kill("SIGKILL");
    const lost = await collector.waitFor("the lost attempt", ({ name }) => name === "task a");
    expect(lost).toMatchObject([
      { isError: true, attributes: { "baton.attempt.outcome": "lease_lost", "error.type": "lease_lost" } },
    ]);
  });
});

describe("a caller's traceparent", () => {
  test("is taken from _meta over stdio and over HTTP, and a trace that is not recorded is not continued", async () => {
    const collector = await startCollector();
    const { client } = await connectClient({ env: collector.env });
    const server = await startHttpServer({ env: collector.env });
    const remote = await connectedClient(server.origin, "modern", { name: "remote" });
    const call = (name: string, traceparent: string) => ({ name, arguments: {}, _meta: { traceparent } });
    await client.callTool(call("get_system_status", UNSAMPLED));
    await client.callTool(call("list_runs", TRACEPARENT));
    await remote.callTool(call("list_projects", TRACEPARENT));
    await client.callTool(call("list_agents", "00-nonsense-01"));
    const continued = await collector.waitFor("both", ({ traceId }) => traceId === CALLER.traceId, 2);
    expect(continued).toHaveLength(2);
    for (const name of ["tools/call list_projects", "tools/call list_runs"])
      expect(continued).toContainEqual(expect.objectContaining({ name, parentSpanId: CALLER.spanId }));
    const [own] = await collector.waitFor("its own", ({ name }) => name === "tools/call list_agents");
    expect(own!.traceId).not.toBe(CALLER.traceId);
    expect(own).not.toHaveProperty("parentSpanId");
    expect(collector.spans().map(({ name }) => name)).not.toContain("tools/call get_system_status");
  });
});
