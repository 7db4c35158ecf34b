import { describe, expect, it } from "vitest";
import type { Row } from "../../../src/store/tx.js";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { BACKENDS, createDatabase, testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

const MARK = "é".repeat(300);
const BYTES_MAX = 1_200;

describe.each(BACKENDS)("results that are too large together, on %s,", (backend) => {
  /** Keeps how many such results one statement has brought out of the database, at most. */
  async function room() {
    const { location: database } = await createDatabase(backend);
    const runtime = testRuntime();
    const seen = { atOnce: 0 };
    const observe = (_: unknown, rows: readonly Row[]): void => {
      const large = rows.filter(({ result }) => typeof result === "string" && result.includes(MARK));
      seen.atOnce = Math.max(seen.atOnce, large.length);
    };
    const storeHooks = { now: () => runtime.clock.now(), observe };
    const app = await startApp({ database, runtime, storeHooks, settings: { payload_bytes_max: BYTES_MAX } });
    return { app, crew: new Crew(app), seen };
  }

  async function resultOf(app: TestApp, task: string): Promise<unknown> {
    return (await app.call("get_task", { task, include: ["result"] })).result;
  }

  const results = [{ text: MARK }, null, { text: MARK, more: [1] }];

  it("are counted and not read, where a list of steps has come to them", async () => {
    const { app, crew, seen } = await room();
    const { run } = await crew.start([
      { key: "part", for_each: [1, 2, 3] },
      { key: "next", needs: ["part"] },
    ]);
    for (const result of results) await crew.complete(await crew.take("ann", { run: run.id }), result);
    expect(seen.atOnce).toBeLessThan(2);
    const bytes = Buffer.byteLength(JSON.stringify(results));
    expect(await resultOf(app, `${run.id}/part`)).toEqual({ elements: 3, too_large_bytes: bytes });
  });

  it("are counted and not read, where they are those of a run within a run", async () => {
    const { app, crew, seen } = await room();
    await app.call("create_workflow", {
      name: "inner",
      definition: {
        steps: [
          { key: "a", prompt: "a" },
          { key: "b", prompt: "b" },
        ],
      },
    });
    const { run } = await crew.start([{ key: "call", kind: "workflow", workflow: "inner" }]);
    await app.advance(1);
    for (const result of [results[0], results[2]]) await crew.complete(await crew.take("ann", { run: run.id }), result);
    await app.advance(1);
    expect(seen.atOnce).toBeLessThan(2);
    const bytes = Buffer.byteLength(JSON.stringify({ a: results[0], b: results[2] }));
    expect(await resultOf(app, `${run.id}/call`)).toMatchObject({ too_large_bytes: bytes });
  });

  it("are given where they fit to the byte", async () => {
    const { app, crew } = await room();
    const { run } = await crew.start([{ key: "part", for_each: [1, 2] }]);
    const fitting = ["x".repeat(740), "y".repeat(BYTES_MAX - 740 - 7)];
    for (const result of fitting) await crew.complete(await crew.take("ann", { run: run.id }), result);
    expect(Buffer.byteLength(JSON.stringify(fitting))).toBe(BYTES_MAX);
    expect(await resultOf(app, `${run.id}/part`)).toEqual(fitting);
  });
});
