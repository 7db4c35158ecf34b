import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, ownRuntime, temporaryDirectory } from "../../support/databases/databases.js";
import { LockRecorder } from "../../support/databases/lock-recorder.js";
import { call, odd, openToolFixture } from "../../support/fixtures/tool-fixture.js";
import { until } from "../../support/until.js";

const MINUTE_MS = 60_000;
const ENV = { BATON_BREAKER_FAILURES: "2", BATON_MAX_CONCURRENT_TOOL_CALLS: "1" };
const ONCE = { retry: { max_attempts: 1 } };

/** A server in this process that may call one MCP server, and a run with four calls of it, one at a time. */
async function fourCalls(backend: (typeof BACKENDS)[number], server: object) {
  const { location } = await createDatabase(backend);
  const runtime = ownRuntime();
  const storeHooks = { now: () => runtime.clock.now() };
  const fixture = await openToolFixture({ odd: server }, { database: location, env: ENV, runtime, storeHooks });
  const steps = ["a", "b", "c", "d"].map((key) => call(`${key}: odd/do`, {}, ONCE));
  const { run } = await fixture.start(steps);
  const statuses = async () => {
    const { tasks } = await fixture.app.call("list_tasks", { run });
    return tasks.map(({ status }) => status).toSorted();
  };
  const state = async () => (await fixture.app.call("list_circuit_breakers", { target: "server:odd" })).breakers[0];
  return { fixture, run, statuses, state };
}

describe.each(BACKENDS)("the circuit breaker of an MCP server on %s", (backend) => {
  test("keeps calls back while it is open, lets one through as a trial, and closes with that", async () => {
    const sick = path.join(temporaryDirectory(), "sick");
    writeFileSync(sick, "");
    const { server, log } = odd("sick", { SICK: sick });
    const { fixture, run, statuses, state } = await fourCalls(backend, server);
    await until("it is open", async () => (await state())?.state === "open");
    await fixture.app.advance(1_000);
    expect(await statuses()).toEqual(["dead_letter", "dead_letter", "ready", "ready"]);
    const { tasks } = await fixture.app.call("list_tasks", { run, status: "ready" });
    expect(await fixture.reasons(run, tasks[0]?.key)).toMatchObject([
      { kind: "breaker_open", detail: expect.stringContaining('the MCP server "odd" has failed too often') },
    ]);
    const why = [{ kind: "breaker_open", detail: expect.stringContaining("its circuit breaker is open until") }];
    const seen = await fixture.app.call("get_run", { run });
    expect(seen.ready.map(({ claimable, reasons }) => [claimable, reasons])).toMatchObject([
      [false, why],
      [false, why],
    ]);
    expect((await fixture.app.call("get_task", { task: tasks[0]?.id ?? "" })).task.reasons).toMatchObject(why);
    // Its trial fails, and the pause is twice as long.
    await fixture.app.advance(MINUTE_MS);
    await until("the trial has failed", async () => (await state())?.opens === 2);
    await fixture.app.advance(MINUTE_MS);
    expect(await statuses()).toEqual(["dead_letter", "dead_letter", "dead_letter", "ready"]);
    expect(log().filter((line) => line.startsWith("call "))).toHaveLength(3);
    rmSync(sick);
    await fixture.app.advance(MINUTE_MS);
    expect(await fixture.ended(run)).toBe("failed");
    expect(await statuses()).toEqual(["dead_letter", "dead_letter", "dead_letter", "succeeded"]);
    expect(await state()).toMatchObject({ target: "server:odd", state: "closed", failures: 0, opens: 2 });
    const { events } = await fixture.app.call("list_events", { run, types: ["breaker.opened", "breaker.closed"] });
    expect(events.map(({ type }) => type)).toEqual(["breaker.opened", "breaker.opened", "breaker.closed"]);
  });

  test("is reset by hand, and an error that a tool answers is none of its failures", async () => {
    const sick = path.join(temporaryDirectory(), "sick");
    writeFileSync(sick, "");
    const { server } = odd("sick", { SICK: sick });
    const { fixture, run, statuses, state } = await fourCalls(backend, server);
    await until("it is open", async () => (await state())?.state === "open");
    rmSync(sick);
    await fixture.app.call("reset_circuit_breaker", { target: "server:odd" });
    expect(await fixture.ended(run)).toBe("failed");
    expect(await statuses()).toEqual(["dead_letter", "dead_letter", "succeeded", "succeeded"]);

    const telling = await fourCalls(backend, odd("refuses").server);
    expect(await telling.fixture.ended(telling.run)).toBe("failed");
    expect(await telling.statuses()).toEqual(["dead_letter", "dead_letter", "dead_letter", "dead_letter"]);
    expect(await telling.state()).toBeUndefined();
  });

  test("is locked by no success of a server that never failed, or has not for long, so that calls do not wait for each other", async () => {
    const sick = path.join(temporaryDirectory(), "sick");
    const recorder = new LockRecorder();
    const runtime = ownRuntime();
    const fixture = await openToolFixture(
      { odd: odd("sick", { SICK: sick }).server },
      {
        database: (await createDatabase(backend)).location,
        env: { BATON_MAX_CONCURRENT_TOOL_CALLS: "1" },
        runtime,
        storeHooks: { ...recorder.hooks, now: () => runtime.clock.now() },
      },
    );
    /** Whether so many calls, one after the other, lock the row of the breaker. */
    const isLockedBy = async (calls: number) => {
      recorder.take();
      const { run } = await fixture.start(Array.from({ length: calls }, (_, at) => call(`s${at}: odd/do`, {}, ONCE)));
      await fixture.ended(run);
      return recorder.take().some((taken) => taken.some(({ table }) => table === "circuit_breakers"));
    };
    expect(await isLockedBy(1)).toBe(false);
    writeFileSync(sick, "");
    expect(await isLockedBy(1)).toBe(true);
    rmSync(sick);
    expect(await isLockedBy(20)).toBe(true);
    expect(await isLockedBy(1)).toBe(false);
  });
});
