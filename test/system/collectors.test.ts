import { describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../support/http/collector.js";
import { bestOfFew } from "../support/in-time.js";
import { type Answering, answering } from "../support/receivers.js";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { until } from "../support/until.js";

const CALLS = 20;

async function worked(client: TestClient): Promise<void> {
  await client.call("create_project", { name: "p" });
  for (let calls = 1; calls < CALLS; calls++) await client.call("list_runs", { project: "p" });
}

const isCall = ({ name }: { name: string }) => name.startsWith("tools/call");
const silent: Answering = () => {};

async function collectorThat(...answers: readonly Answering[]): Promise<Collector> {
  const collector = await startCollector();
  collector.receiver.answer(...answers);
  return collector;
}

describe("a collector", () => {
  test.each([
    ["is too busy (429)", answering(429, "", { "retry-after": "0" })],
    ["is not ready (503)", answering(503, "", { "retry-after": "0" })],
  ])("that %s gets the same batch again, and no call waits", async (_, refusal) => {
    const collector = await collectorThat(refusal, refusal, answering(200, "{}"));
    const client = await connectClient({ env: collector.env });
    await worked(client);
    await until("a batch went through", () => collector.receiver.posts.length >= 3);
    const [first, second, third] = collector.receiver.posts;
    expect([second!.body, third!.body]).toEqual([first!.body, first!.body]);
    await client.close();
    const taken = collector.spans().filter(isCall);
    expect(new Set(taken.map(({ spanId }) => spanId)).size).toBe(CALLS);
  });

  test("that refuses for good is not asked again for the batch", async () => {
    const collector = await collectorThat(answering(400), answering(200, "{}"));
    const client = await connectClient({ env: collector.env });
    await client.call("list_projects", {});
    await until("the first batch was refused", () => collector.receiver.posts.length === 1);
    await client.call("list_projects", {});
    await client.close();
    const [first, second] = collector.receiver.posts;
    expect(second!.body).not.toBe(first!.body);
    expect(client.server.stderr()).toContain("spans were dropped");
  });

  test("that redirects is not followed: the headers hold its key", async () => {
    const elsewhere = await startCollector();
    const url = `http://127.0.0.1:${elsewhere.receiver.port}/v1/traces`;
    const collector = await collectorThat(answering(307, "", { location: url }));
    const client = await connectClient({ env: collector.env });
    await client.call("list_projects", {});
    await until("the batch was redirected", () => collector.receiver.posts.length === 1);
    await client.close();
    expect(collector.receiver.posts).toHaveLength(1);
    expect(elsewhere.receiver.posts).toEqual([]);
  });

  test.each([
    ["does not answer", async () => (await collectorThat(silent)).env],
    [
      "is not there",
      async () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "50" }),
    ],
  ])("that %s fails no call, and holds up the end for half a second at most", async (_, environment) => {
    const env = await environment();
    await bestOfFew(async (inTime) => {
      const client = await connectClient({ env });
      await worked(client);
      const from = performance.now();
      expect(await client.close()).toEqual({ code: 0, signal: null });
      inTime(1_500, from);
    });
  });

  test("gets what waits when the process ends", async () => {
    const collector = await startCollector();
    const client = await connectClient({ env: { ...collector.env, OTEL_BSP_SCHEDULE_DELAY: "600000" } });
    await worked(client);
    expect(collector.receiver.posts).toEqual([]);
    await client.close();
    expect(collector.spans().filter(isCall)).toHaveLength(CALLS);
  });

  test("gets no more than the queue holds while it does not answer", async () => {
    const collector = await collectorThat(silent);
    const env = { ...collector.env, OTEL_BSP_MAX_QUEUE_SIZE: "4", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "4" };
    const client = await connectClient({ env });
    await worked(client);
    collector.receiver.answer(answering(200, "{}"));
    await client.close();
    expect(collector.spans().length).toBeGreaterThan(0);
    expect(collector.spans().length).toBeLessThanOrEqual(8);
  });
});

test.each([
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /speaks http\/json/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "not an address" }, /no http or https address/],
  [{ OTEL_SDK_DISABLED: "true" }, /^$/],
  [{ OTEL_TRACES_EXPORTER: "none" }, /^$/],
])("with %j nothing is exported, and calls are answered", async (env, warning) => {
  const collector = await startCollector();
  const client = await connectClient({ env: { ...collector.env, ...env } });
  await client.call("list_projects", {});
  await client.close();
  expect(collector.receiver.posts).toEqual([]);
  expect(client.server.stderr()).toMatch(warning);
});

test("the address of traces alone is taken as it is", async () => {
  const collector = await startCollector();
  const { port } = collector.receiver;
  const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/own/path` };
  const server = await connectClient({ env });
  await server.call("list_projects", {});
  await server.close();
  expect(collector.spans().map(({ name }) => name)).toEqual(["tools/call list_projects"]);
});
