import { describe, expect, test } from "vitest";
import { takeSample } from "../../../src/engine/metrics/sampling.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { startApp, startAppOn } from "../../support/servers/app.js";

const INTERVAL_MS = 20_000;
const HOUR_MS = 3_600_000;

describe.each(BACKENDS)("samples of the state, on %s,", (backend) => {
  test("are taken at most once in an interval by all processes, and where something has changed", async () => {
    const settings = { monitoring_interval_ms: INTERVAL_MS };
    const one = await startAppOn(backend, { settings });
    const other = await startApp({ database: one.database, settings, storeHooks: { now: () => one.clock.now() } });
    const since = new Date(one.clock.now()).toISOString();
    const addTask = () => one.call("create_task", { title: "t", prompt: "do it", project: "p" });
    const readySamples = async () => {
      const { samples = [] } = await one.call("get_metrics", { since });
      return samples.map(({ at, tasks }) => [
        Math.round((Date.parse(at) - Date.parse(since)) / INTERVAL_MS),
        tasks["ready"],
      ]);
    };
    const pass = async (ms: number) => {
      await one.advance(ms);
      other.clock.advance(ms);
      await other.app.runBackground();
    };
    await one.call("create_project", { name: "p" });
    await addTask();
    await pass(INTERVAL_MS);
    await addTask();
    await pass(INTERVAL_MS);
    for (let at = 0; at < 5; at++) await pass(INTERVAL_MS);
    await addTask();
    await pass(INTERVAL_MS / 2);
    expect((await readySamples()).at(-1)).toEqual([2, 2]);
    await pass(INTERVAL_MS / 2);
    await addTask();
    await pass(INTERVAL_MS / 2);
    expect(await readySamples()).toEqual([
      [1, 1],
      [2, 2],
      [8, 3],
    ]);
  });

  test("are one where two processes take it at the same time", async () => {
    const one = await startAppOn(backend);
    const other = await startApp({ database: one.database, storeHooks: { now: () => one.clock.now() } });
    await one.call("create_project", { name: "p" });
    const engines = await Promise.all([one, other].map(({ app }) => app.hookEngine("test", null)));
    await Promise.all(engines.map((engine) => takeSample(engine, { interval: 0 })));
    const { samples } = await one.call("get_metrics", { since: new Date(0).toISOString() });
    expect(samples).toHaveLength(1);
  });

  test("are kept for metrics_retention_ms, but for the one that stood then, and shown thinned, beginning with the one that stands", async () => {
    const app = await startAppOn(backend, {
      settings: { metrics_retention_ms: HOUR_MS, monitoring_interval_ms: INTERVAL_MS },
    });
    await app.call("create_project", { name: "p" });
    const startedAt = app.clock.now();
    const samplesSince = async (at: number) =>
      (await app.call("get_metrics", { since: new Date(at).toISOString() })).samples ?? [];
    for (let at = 0; at < 150; at++) {
      await app.call("create_task", { title: "t", prompt: "do it", project: "p" });
      await app.advance(INTERVAL_MS);
    }
    const shown = await samplesSince(startedAt);
    expect(shown.length).toBeGreaterThan(40);
    expect(shown.length).toBeLessThanOrEqual(60);
    expect(shown.at(-1)?.tasks["ready"]).toBe(150);
    expect(shown.map(({ at }) => at)).toEqual(shown.map(({ at }) => at).toSorted());
    app.clock.advance(INTERVAL_MS);
    const [standing, ...later] = await samplesSince(app.clock.now() - INTERVAL_MS / 2);
    expect([standing?.tasks["ready"], later]).toEqual([150, []]);
    await app.advance(2 * HOUR_MS);
    await app.advance(INTERVAL_MS);
    await app.call("create_task", { title: "t", prompt: "do it", project: "p" });
    await app.advance(INTERVAL_MS);
    await app.advance(INTERVAL_MS);
    expect((await samplesSince(0)).map(({ tasks }) => tasks["ready"])).toEqual([150, 151]);
  });
});

test("samples since what is no instant are refused", async () => {
  const { call } = await startApp();
  const refused = call("get_metrics", { since: "yesterday" });
  await expect(refused).rejects.toMatchObject({ code: "invalid_input", details: { path: "since" } });
});
