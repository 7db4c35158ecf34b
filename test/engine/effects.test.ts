import { describe, expect, test } from "vitest";
import { claimTask } from "../../src/engine/claims/claims.js";
import { requireDefinition } from "../../src/engine/definitions/definition.js";
import type { Effect } from "../../src/engine/effect.js";
import { effects } from "../../src/engine/effects.js";
import { requireProject } from "../../src/engine/projects/creation.js";
import { executeWorkflow } from "../../src/engine/runs/executions.js";
import { completeTask, failTask } from "../../src/engine/tasks/tasks.js";
import { findCounters } from "../../src/store/runs/counters.js";
import type { Row, Tx } from "../../src/store/tx.js";
import { type Backend, BACKENDS } from "../support/databases/databases.js";
import { openLockRoom } from "../support/fixtures/lock-fixture.js";

/** Records what changes did as events of its own: all that a new area needs. */
function* audit(_: unknown, outcome: Parameters<Effect>[1]): ReturnType<Effect> {
  const { run, runEnded, attempts, usages, moves, failures } = outcome;
  // Read from the database: the change has been written.
  const { succeeded } = yield* findCounters(run.id);
  const data = {
    run: run.status,
    runEnded,
    succeeded,
    attempts: attempts.map(({ agent, type, outcome: how }) => `${type} by ${agent} ${how}`),
    usages: usages.map(({ model, cost }) => `${model} for ${cost}`),
    moves: moves.map(({ task, to }) => `${task.status} to ${to}`),
    failures: failures.map(({ error, replayable }) => `${error.type}, replayable: ${replayable}`),
  };
  return { events: [{ type: "settings.changed", project: run.project, run: run.id, data }] };
}

/** A run with one claimed task, and calls that end it; its changes have the effects of the list. */
async function openRun(backend: Backend, list: readonly Effect[]) {
  const room = await openLockRoom(backend);
  const steps = [{ key: "a", prompt: "a", retry: { max_attempts: 1 } }];
  const parsed = requireDefinition({ name: "plan", steps }, { limits: room.settings });
  const { id: task, token } = await room.run("ann", function* (ctx) {
    const project = yield* requireProject(ctx);
    const { run } = yield* executeWorkflow({ ...ctx, effects: list }, { project, parsed, createdBy: "ann" });
    const claim = yield* claimTask({ ...ctx, effects: list }, { run: run.id });
    if (claim.outcome !== "claimed") throw new Error("the task was not claimed");
    return claim.brief.task;
  });
  const held = { task, token };
  const rows = (sql: string) =>
    room.store.read(function* (): Tx<readonly Row[]> {
      return yield [sql];
    });
  return {
    rows,
    audited: async () => {
      const found = await rows("SELECT data FROM events WHERE type = 'settings.changed' ORDER BY seq");
      return found.map(({ data }) => JSON.parse(String(data)) as unknown);
    },
    complete: () =>
      room.run("ann", (ctx) => completeTask({ ...ctx, effects: list }, { ...held, result: 1, usage: { cost: 2 } })),
    fail: () =>
      room.run("ann", (ctx) =>
        failTask({ ...ctx, effects: list }, { ...held, error: { type: "broken", message: "It broke." } }),
      ),
  };
}

describe.each(BACKENDS)("on %s, an effect added to the list", (backend) => {
  test("is told of ended attempts, moved tasks and the run's end, and records events", async () => {
    const run = await openRun(backend, [...effects, audit]);
    await run.complete();
    expect(await run.audited()).toEqual([
      expect.objectContaining({ run: "running", runEnded: false, attempts: [], moves: [] }),
      expect.objectContaining({ moves: ["ready to running"] }),
      {
        run: "succeeded",
        runEnded: true,
        succeeded: 1,
        attempts: ["a by ann succeeded"],
        usages: ["null for 2000000"],
        moves: ["running to succeeded"],
        failures: [],
      },
    ]);
  });

  test("is told of tasks that failed for good", async () => {
    const run = await openRun(backend, [...effects, audit]);
    await run.fail();
    expect((await run.audited()).at(-1)).toMatchObject({
      run: "failed",
      attempts: ["a by ann failed"],
      usages: [],
      moves: ["running to dead_letter"],
      failures: ["broken, replayable: true"],
    });
  });

  test("belongs to the transaction of the change: its failure undoes the change", async () => {
    function* broken(_: unknown, { run, attempts }: Parameters<Effect>[1]): ReturnType<Effect> {
      if (attempts.length === 0) return {};
      yield ["UPDATE runs SET name = 'changed' WHERE id = $1", [run.id]];
      throw new Error("the effect is broken");
    }
    const run = await openRun(backend, [...effects, broken]);
    await expect(run.complete()).rejects.toThrow("the effect is broken");
    expect(await run.rows("SELECT status FROM tasks")).toEqual([{ status: "running" }]);
    expect(await run.rows("SELECT name FROM runs")).toEqual([{ name: "plan" }]);
  });
});

test("the lifecycle of a run knows no effect: without the list, a failed task leaves no dead letter", async () => {
  const without = await openRun("sqlite", []);
  expect(await without.fail()).toMatchObject({ outcome: "dead_letter", run: { status: "failed" } });
  expect(await without.rows("SELECT id FROM dead_letters")).toEqual([]);

  const run = await openRun("sqlite", effects);
  await run.fail();
  expect(await run.rows("SELECT id FROM dead_letters")).toHaveLength(1);
});
