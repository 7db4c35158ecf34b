import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, test } from "vitest";
import { connectClient, type TestClient } from "../../support/servers/client.js";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";

/** The notifications that a client is given, each with the time at which it came. */
function heard({ client }: TestClient) {
  const all: { uri: string; at: number }[] = [];
  const waiting = new Set<() => void>();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    all.push({ uri: params.uri, at: performance.now() });
    for (const look of waiting) look();
  });
  return {
    all,
    /** The next one of an address, from the `from`th notification on. */
    next: (uri: string, from = all.length) =>
      new Promise<number>((resolve) => {
        const look = () => {
          const found = all.slice(from).find((one) => one.uri === uri);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found.at);
        };
        waiting.add(look);
        look();
      }),
  };
}

const STEPS = ["a", "b"].map((key) => ({ key, prompt: "Do it." }));

/** Two processes on one database, one of which has a task in its hands. */
async function twoServers(backend: (typeof BACKENDS)[number]) {
  const { location: database } = await createDatabase(backend);
  const [worker, watcher] = await Promise.all([connectClient({ database }), connectClient({ database })]);
  await worker.call("create_project", { name: "p" });
  const started = await worker.call("execute_workflow", { project: "p", definition: { name: "w", steps: STEPS } });
  const run = started.run.id;
  const claimed = await worker.call("claim_task", { project: "p" });
  const task = claimed.task!.id;
  const { token } = claimed.lease!;
  const report = (percent: number) => worker.call("report_progress", { task, token, percent });
  return { worker, watcher, run, task, token, report };
}

const ROUNDS = 60;
const BATCHES_MAX = 8;
const WITHIN_MS = 100;

describe.each(BACKENDS)("changes made by another process, on %s", (backend) => {
  test("reach a subscriber within 100 ms", async () => {
    const { watcher, task, report } = await twoServers(backend);
    const { next } = heard(watcher);
    const uri = `baton://tasks/${task}`;
    await watcher.client.subscribeResource({ uri });
    // Other processes on the machine can only make it slower: the best of a few batches counts.
    let p95 = Number.POSITIVE_INFINITY;
    for (let batch = 0; batch < BATCHES_MAX && p95 >= WITHIN_MS; batch++) {
      const fromCall: number[] = [];
      const fromAnswer: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const notified = next(uri);
        const calledAt = performance.now();
        await report(round);
        const answeredAt = performance.now();
        const at = await notified;
        fromCall.push(at - calledAt);
        // The commit comes before its answer: where the notification overtakes that, it took no longer than the call.
        fromAnswer.push(Math.max(0, at - answeredAt));
      }
      const measured = `after the call ${figures(fromCall)}; after its answer ${figures(fromAnswer)}`;
      process.stdout.write(`${backend}: notified ${measured}\n`);
      p95 = percentile(fromAnswer, 0.95);
    }
    expect(p95).toBeLessThan(WITHIN_MS);
    expect(await watcher.close()).toEqual({ code: 0, signal: null });
  });

  test("name what may have changed, and nothing else", async () => {
    const { worker, watcher, run, task, token, report } = await twoServers(backend);
    const { all, next } = heard(watcher);
    const tasks = (await worker.call("list_tasks", { run })).tasks;
    const other = tasks.find(({ id }) => id !== task)!.id;
    const uris = {
      status: "baton://status",
      projects: "baton://projects",
      runs: "baton://runs",
      agents: "baton://agents",
      locks: "baton://locks",
      schema: "baton://schemas/workflow",
      project: "baton://projects/p",
      run: `baton://runs/${run}`,
      graph: `baton://runs/${run}/graph`,
      events: `baton://runs/${run}/events`,
      task: `baton://tasks/${task}`,
      other: `baton://tasks/${encodeURIComponent(`${run}/b`)}`,
    };
    expect(other).toBeTruthy();
    for (const uri of Object.values(uris)) await watcher.client.subscribeResource({ uri });
    const names = new Map(Object.entries(uris).map(([name, uri]) => [uri, name]));
    let mark = 0;
    const told = async (work: () => Promise<unknown>) => {
      const from = all.length;
      await work();
      // Notifications come in order: after this one, those of all the work have come.
      const { project } = await worker.call("create_project", { name: `mark-${mark++}` });
      const uri = `baton://projects/${project.id}`;
      await watcher.client.subscribeResource({ uri });
      const heardOfMark = next(uri);
      await worker.perform("update_project", { project: project.id, description: "marked" });
      await heardOfMark;
      const heardNames = all.slice(from).flatMap((one) => names.get(one.uri) ?? []);
      return new Set(heardNames.filter((name) => name !== "status" && name !== "projects"));
    };
    expect(await told(async () => undefined)).toEqual(new Set());
    expect(await told(() => report(10))).toEqual(new Set(["run", "events", "task"]));
    expect(await told(() => worker.call("acquire_file_lock", { project: "p", paths: ["a.md"], task }))).toContain(
      "locks",
    );
    expect(await told(() => worker.perform("register_agent", { name: "someone" }))).toEqual(new Set(["agents"]));
    expect(await told(() => worker.call("complete_task", { task, token }))).toEqual(
      new Set(["runs", "agents", "locks", "project", "run", "graph", "events", "task"]),
    );
    await watcher.client.unsubscribeResource({ uri: uris.run });
    await watcher.client.unsubscribeResource({ uri: uris.run });
    expect(await told(() => worker.perform("cancel_task", { task: other }))).toEqual(
      new Set(["runs", "agents", "project", "graph", "events", "other"]),
    );
  });

  test("dependencies' changes are changes of the tasks that wait for them", async () => {
    const { worker, watcher } = await twoServers(backend);
    const steps = [
      { key: "x", prompt: "Do it.", priority: "critical" },
      { key: "y", prompt: "Do it." },
      { key: "joined", prompt: "Do it.", needs: ["x", "y"] },
    ];
    const started = await worker.call("execute_workflow", { project: "p", definition: { name: "j", steps } });
    const run = started.run.id;
    const uri = `baton://tasks/${encodeURIComponent(`${run}/joined`)}`;
    await watcher.client.subscribeResource({ uri });
    const { next } = heard(watcher);
    const claimed = await worker.call("claim_task", { run, agent: "second" });
    expect(claimed).toMatchObject({ task: { key: "x" } });
    const { token } = claimed.lease!;
    const notified = next(uri);
    await worker.call("complete_task", { task: claimed.task!.id, token, agent: "second" });
    await notified;
    const { contents } = await watcher.client.readResource({ uri });
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({
      task: { status: "pending", dependencies: { succeeded: 1, total: 2 } },
    });
  });

  test("come in bursts as a few notifications, and the last of them is not lost", async () => {
    const { worker, watcher, task, token, report } = await twoServers(backend);
    const { all, next } = heard(watcher);
    await watcher.client.subscribeResource({ uri: "baton://status" });
    await watcher.client.subscribeResource({ uri: "baton://agents" });
    const ended = next("baton://agents", 0);
    const startedAt = performance.now();
    const reports = Array.from({ length: 100 }, (_, index) => report(index));
    await Promise.all(reports);
    await worker.call("complete_task", { task, token });
    await ended;
    // One each 20 ms; a timer may come a little early.
    const looks = (performance.now() - startedAt) / 18;
    const notified = all.filter(({ uri }) => uri === "baton://status").length;
    expect(notified).toBeGreaterThan(0);
    expect(notified).toBeLessThanOrEqual(looks + 2);
  });

  test("find the one concerned among hundreds of subscriptions", async () => {
    const { worker, watcher } = await twoServers(backend);
    const steps = Array.from({ length: 500 }, (_, index) => ({ key: `s${index}`, prompt: "Do it." }));
    const started = await worker.call("execute_workflow", { project: "p", definition: { name: "wide", steps } });
    const run = started.run.id;
    const { all, next } = heard(watcher);
    const uris = steps.map(({ key }) => `baton://tasks/${encodeURIComponent(`${run}/${key}`)}`);
    await Promise.all(uris.map((uri) => watcher.client.subscribeResource({ uri })));
    const claimed = next(uris[0]!);
    await worker.call("claim_task", { run, agent: "second" });
    await claimed;
    expect(all.map(({ uri }) => uri)).toEqual([uris[0]]);
  });
});

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

function figures(values: readonly number[]): string {
  const [p50, p95, max] = [0.5, 0.95, 1].map((share) => percentile(values, share).toFixed(1));
  return `p50 ${p50} ms, p95 ${p95} ms, max ${max} ms`;
}
