import { describe, expect, it } from "vitest";
import type { TestApp } from "../../support/servers/app.js";
import { testRuntime } from "../../support/databases/databases.js";
import { violationsOf } from "../../support/databases/lock-recorder.js";
import { Crew, type Step } from "../../support/fixtures/plan.js";
import { raceRoom } from "../../support/fixtures/race-fixture.js";

const LOCK_RUN_OF_TASK = /FROM runs WHERE id = \(SELECT run FROM tasks/;

async function store(app: TestApp, name: string, steps: readonly Step[]): Promise<void> {
  await app.call("create_workflow", { name, definition: { steps } });
}

const call = (workflow: string, rest = {}): Step => ({ key: "call", kind: "workflow", workflow, ...rest });

/** The newest run of a workflow. */
async function newest(app: TestApp, name: string): Promise<{ id: string; status: string }> {
  const { runs } = await app.call("list_runs", {});
  const found = runs.find((run) => run.name === name);
  if (!found) throw new Error(`there is no run of ${name}`);
  return found;
}

describe("a run within a run", () => {
  it("comes after it in the order of locks, wherever the clock that made it is ahead", async () => {
    const { second, start, clock } = await raceRoom();
    const runtime = { ...testRuntime(2), clock };
    runtime.ids.next("run", clock.now() + 3_600_000);
    const ahead = await start({ runtime });
    await store(second, "inner", [{ key: "in", prompt: "in" }]);
    const { run } = await new Crew(ahead).start([call("inner")]);
    await second.advance(1);
    const child = await newest(second, "inner");
    expect(child.id > run.id).toBe(true);
    expect(await second.call("get_run", { run: child.id })).toMatchObject({ run: { parent: { run: run.id } } });
  });

  it("is paused with the run around both while it starts", async () => {
    const { first, second, gate, waiting } = await raceRoom();
    await store(second, "inner", [{ key: "in", prompt: "in" }]);
    await store(second, "middle", [
      { key: "go", prompt: "go" },
      { ...call("inner"), needs: ["go"] },
    ]);
    const crew = new Crew(second);
    const { run } = await crew.start([call("middle")]);
    await second.advance(1);
    await crew.complete(await crew.take("ann", { run: run.id }));
    const stopped = gate.stopAt(/^INSERT INTO run_counters/);
    const starting = first.advance(1);
    await stopped.reached;
    const paused = second.call("control_run", { run: run.id, action: "pause" });
    await waiting();
    stopped.open();
    await Promise.all([starting, paused]);
    expect((await newest(second, "inner")).status).toBe("paused");
  });

  it("is looked for by a run that stops while others wait for its files, in the order of locks", async () => {
    const { first, locks } = await raceRoom();
    const crew = new Crew(first);
    await store(first, "inner", [{ key: "in", prompt: "in" }]);
    const files = { write: ["a.md"] };
    const { run } = await crew.start([{ key: "write", files, retry: { max_attempts: 1 } }, call("inner")], {
      on_failure: "stop",
    });
    await first.advance(1);
    const held = await crew.take("ann", { run: run.id });
    // Started after the child run: a transaction that locks this one first would lock the other out of order.
    const { run: behind } = await crew.start([{ key: "behind", files }]);
    expect((await crew.claim("ben", { run: behind.id })).outcome).toBe("none");
    locks.take();
    await crew.fail(held);
    await first.advance(1);
    expect(locks.take().flatMap(violationsOf)).toEqual([]);
    expect((await newest(first, "inner")).status).toBe("cancelled");
  });
});

describe("a task whose state changes between the look and the lock", () => {
  it("starts its run under the project's lock, which comes first", async () => {
    const { first, second, gate, locks, clock } = await raceRoom();
    await store(second, "inner", [{ key: "in", prompt: "in" }]);
    const crew = new Crew(second);
    const { run } = await crew.start([call("inner", { timeouts: { schedule_to_close: "1m" } })]);
    await second.advance(1);
    clock.advance(61_000);
    locks.take();
    // The job sees the end of a wait as due; it locks a run that is to be started.
    const stopped = gate.stopAt(LOCK_RUN_OF_TASK);
    const late = first.app.runBackground();
    await stopped.reached;
    await second.app.runBackground();
    const { dead_letters } = await second.call("list_dead_letters", { run: run.id });
    const before = await newest(second, "inner");
    await second.call("replay_dead_letter", { id: dead_letters[0]?.id });
    stopped.open();
    await late;
    expect((await newest(second, "inner")).id).not.toBe(before.id);
    expect(locks.take().flatMap(violationsOf)).toEqual([]);
  });

  it("is resolved by the end of its run, where it failed just then", async () => {
    const { first, second, gate, locks, clock } = await raceRoom();
    await store(second, "inner", [{ key: "in", prompt: "in" }]);
    const crew = new Crew(second);
    const { run } = await crew.start([call("inner"), { key: "behind", needs: ["call"] }]);
    await second.advance(1);
    await crew.complete(await crew.take("ann", { run: run.id }));
    clock.advance(1);
    locks.take();
    const stopped = gate.stopAt(LOCK_RUN_OF_TASK);
    const handing = first.app.runBackground();
    await stopped.reached;
    await second.call("send_to_dead_letters", { task: `${run.id}/call`, reason: "enough" });
    stopped.open();
    await handing;
    expect(await crew.statuses(run.id)).toEqual({ call: "succeeded", behind: "ready" });
    expect(locks.take().flatMap(violationsOf)).toEqual([]);
  });
});
