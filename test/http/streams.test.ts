import net from "node:net";
import { describe, expect, test } from "vitest";
import { appendEvents } from "../../src/store/events/events.js";
import { BACKENDS, createDatabase } from "../support/databases/databases.js";
import { openStream, type StreamEvent } from "../support/http/event-stream.js";
import { bodyOf, type HttpServer, startHttpServer } from "../support/http/http-server.js";
import { until } from "../support/until.js";

const LATENCY_MS_MAX = 300;
/** More than the sockets of both sides take. */
const EVENTS = 200;
const EVENT_CHARS = 100_000;

const ofType = (type: string) => (event: StreamEvent) => event.data["type"] === type;

async function newTask(server: HttpServer, title: string): Promise<Record<string, string>> {
  const { body } = await server.call("create_task", { title, prompt: "do it", project: "p" });
  return body["task"] as Record<string, string>;
}

describe.each(BACKENDS)("the history as a stream, on %s", (backend) => {
  const twoServers = async () => {
    const { location: database } = await createDatabase(backend);
    const [one, other] = [await startHttpServer({ database }), await startHttpServer({ database })];
    await one.call("create_project", { name: "p" });
    return { one, other, database };
  };

  test("tells what another process commits within 300 ms, and resumes behind the last event that was read", async () => {
    const { one, other } = await twoServers();
    const stream = await openStream(`${one.origin}/api/v1/events`);
    expect([stream.status, stream.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    const start = await stream.next();
    expect(start).toMatchObject({ name: "start", id: start.data["cursor"] });
    await newTask(other, "warm up");
    const first = await stream.next(ofType("task.ready"));
    const latencies: number[] = [];
    for (let n = 0; n < 5; n++) {
      const { id } = await newTask(other, `task ${n}`);
      const from = performance.now();
      await stream.next((event) => event.data["task"] === id && event.data["type"] === "task.ready");
      latencies.push(performance.now() - from);
    }
    expect(Math.min(...latencies)).toBeLessThan(LATENCY_MS_MAX);
    stream.close();
    const resumed = await openStream(`${other.origin}/api/v1/events?after=beginning`, { "Last-Event-ID": first.id! });
    const again = await Promise.all(Array.from({ length: 6 }, () => resumed.next()));
    expect(again[0]).toMatchObject({ name: "start", id: first.id });
    const page = await other.call("list_events", { cursor: first.id, limit: 5 });
    expect(again.slice(1).map(({ data }) => data)).toEqual(page.body["events"]);
  });

  test("begins anew where it is asked to, and gives every event once, in order, while others write", async () => {
    const { one, other } = await twoServers();
    const writing = Promise.all(Array.from({ length: 40 }, (_, n) => newTask(n % 2 ? one : other, `t${n}`)));
    const stream = await openStream(`${one.origin}/api/v1/events?after=beginning&types=task.created,project.created`);
    await writing;
    const { body } = await one.call("list_events", { types: ["task.created", "project.created"], limit: 200 });
    const listed = body["events"] as { seq: number }[];
    expect(listed.length).toBeGreaterThan(40);
    const seen: unknown[] = [];
    while (seen.length < listed.length) {
      const event = await stream.next();
      if (event.name === "message") seen.push(event.data["seq"]);
    }
    expect(seen).toEqual(listed.map(({ seq }) => seq));
  });

  test("of one run leaves the others out, and its progress comes with each change until the run has ended", async () => {
    const { one, other } = await twoServers();
    const definition = { name: "w", steps: [{ key: "a", prompt: "do it" }] };
    const { body } = await one.call("execute_workflow", { definition, project: "p" });
    const run = (body["run"] as { id: string }).id;
    const events = await openStream(`${one.origin}/api/v1/events?run=${run}`);
    const progress = await openStream(`${one.origin}/api/v1/runs/${run}/progress`);
    expect(await progress.next()).toMatchObject({ name: "progress", data: { run_id: run, completed: 0, total: 1 } });
    await newTask(other, "of another run");
    const claimed = await other.call("claim_task", { run, agent: "ann" });
    const { task, lease } = claimed.body as Record<string, Record<string, unknown>>;
    const call = { task: task!["id"], token: lease!["token"], result: {}, agent: "ann" };
    await other.call("complete_task", call);
    expect((await progress.rest()).at(-1)).toEqual({ name: "end", id: undefined, data: { run } });
    const seen: StreamEvent[] = [];
    while (seen.at(-1)?.data["type"] !== "run.finished") seen.push(await events.next());
    expect(new Set(seen.slice(1).map(({ data }) => data["run"]))).toEqual(new Set([run]));
    const now = await fetch(`${one.origin}/api/v1/runs/${run}/progress`);
    expect(await bodyOf(now)).toMatchObject({ run_id: run, completed: 1, status: "succeeded" });
  });
});

describe("a stream", () => {
  test("says where the history begins where its place is gone, and goes on", async () => {
    const server = await startHttpServer();
    await server.call("create_project", { name: "p" });
    const stream = await openStream(`${server.origin}/api/v1/events?after=0.zzzz`);
    await stream.next();
    const { name, data } = await stream.next();
    expect([name, data]).toEqual(["gone", expect.objectContaining({ after: "0.zzzz" })]);
    expect(data["begins"]).toEqual({ cursor: expect.any(String), at: expect.any(String) });
    const { id } = await newTask(server, "one");
    expect(await stream.next(ofType("task.ready"))).toMatchObject({ data: { task: id } });
  });

  test.each([
    ["events?after=nonsense", 400, "not one that an answer gave"],
    ["events?runs=x", 400, 'did you mean "run"'],
    ["events?run=run_none", 404, "run_none"],
    ["events?types=task.claimed,task.sucseeded", 400, 'did you mean "task.succeeded"'],
    ["events?run=a&run=b", 400, "run: given more than once"],
    ["events?project=", 404, "project"],
    ["runs/run_none/progress", 404, "run_none"],
  ])("is refused for %s with its reason", async (path, status, says) => {
    const server = await startHttpServer();
    const response = await fetch(`${server.origin}/api/v1/${path}`, { headers: { Accept: "text/event-stream" } });
    expect(response.status).toBe(status);
    expect((await bodyOf(response))["detail"]).toContain(says);
  });

  test("has the events of several types, whichever way they are given", async () => {
    const server = await startHttpServer();
    await server.call("create_project", { name: "p" });
    const stream = await openStream(
      `${server.origin}/api/v1/events?types=task.ready&types=run.started,project.created`,
    );
    await stream.next();
    const { id } = await newTask(server, "one");
    expect(await stream.next(ofType("task.ready"))).toMatchObject({ data: { task: id } });
  });

  test("is none for a program that asks for its headers alone", async () => {
    const server = await startHttpServer({ env: { BATON_PROGRESS_EVERY_MS: "50" } });
    const head = await fetch(`${server.origin}/api/v1/events`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    // Longer than a stream that no client reads is kept.
    const stream = await openStream(`${server.origin}/api/v1/events`);
    await stream.next();
    const rest = stream.rest();
    await until("signs of life have come", () => stream.text().split("\n:\n\n").length > 8);
    expect(server.stderr()).not.toContain("was cut off");
    server.child.kill("SIGTERM");
    await rest;
  });

  test("without news gives a sign of life, and ends when its server is asked to stop", async () => {
    const server = await startHttpServer({ env: { BATON_PROGRESS_EVERY_MS: "50" } });
    const stream = await openStream(`${server.origin}/api/v1/events`);
    await stream.next();
    const rest = stream.rest();
    await until("a sign of life has come", () => stream.text().includes("\n:\n\n"));
    server.child.kill("SIGTERM");
    expect(await rest).toEqual([]);
    expect(await server.ended).toEqual({ code: 0, signal: null });
  });

  test("that is not read is cut off, and nothing is kept for it", async () => {
    const database = await createDatabase("sqlite");
    const store = await database.open();
    const note = "x".repeat(EVENT_CHARS);
    const events = Array.from({ length: EVENTS }, () => ({ type: "task.progress" as const, data: { note } }));
    await store.transact((ctx) => appendEvents(ctx, events));
    const server = await startHttpServer({
      database: database.location,
      env: { BATON_PROGRESS_EVERY_MS: "50" },
    });
    const socket = net.connect(Number(new URL(server.origin).port), "127.0.0.1");
    socket.write("GET /api/v1/events?after=beginning HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await until("the server has given the stream up", () => server.stderr().includes("its client takes nothing"));
    let bytes = 0;
    socket.on("error", () => {}).on("data", (chunk) => (bytes += chunk.length));
    await new Promise((resolve) => socket.once("close", resolve));
    expect(bytes).toBeLessThan(EVENTS * EVENT_CHARS);
    expect((await server.call("get_system_status")).status).toBe(200);
  });
});
