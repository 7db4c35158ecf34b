import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew, type Step } from "../support/fixtures/plan.js";
import { startAppOn, type TestApp } from "../support/servers/app.js";

const ONCE = { retry: { max_attempts: 1 } } as const;

/** The state of a task follows from those of its dependencies, in whatever order they came about. */
describe.each(BACKENDS)("tasks whose dependencies failed, were skipped or came back, on %s", (backend) => {
  const crewOf = async () => new Crew(await startAppOn(backend, { settings: { reservation_ms: 600_000 } }));
  const failed = async (crew: Crew, run: string, key: string) => {
    const held = await crew.take("ann", { run });
    expect(held.key).toBe(key);
    await crew.fail(held);
    return deadLetterOf(crew.app, run);
  };
  const start = async (crew: Crew, steps: readonly Step[], rest = {}) => (await crew.start(steps, rest)).run.id;

  test("a task behind one that was cancelled while blocked is skipped when the failure is resolved", async () => {
    const crew = await crewOf();
    const run = await start(crew, [
      { key: "a", ...ONCE },
      { key: "d", needs: ["a"] },
      { key: "d2", needs: ["d"] },
    ]);
    const letter = await failed(crew, run, "a");
    await crew.app.call("cancel_task", { task: `${run}/d` });
    expect(await crew.statuses(run)).toMatchObject({ d: "cancelled", d2: "blocked" });
    await crew.app.call("replay_dead_letter", { id: letter });
    expect(await crew.statuses(run)).toMatchObject({ a: "ready", d2: "skipped" });
    const { run: ended } = await crew.complete(await crew.take("ann", { run }));
    expect(ended.status).toBe("succeeded");
  });

  const meeting = async (crew: Crew) =>
    start(crew, [
      { key: "f", ...ONCE },
      { key: "c" },
      { key: "t", needs: ["f", "c"] },
      { key: "u", needs: ["t"], trigger: "none_failed" },
      { key: "w", needs: ["u"] },
    ]);
  const blocked = { t: "blocked", u: "blocked", w: "blocked" };

  test("a task that is judged after its dependencies failed names the tasks that failed, not those they block", async () => {
    const crew = await crewOf();
    const run = await start(crew, [{ key: "f", ...ONCE }, { key: "b", needs: ["f"] }, { key: "h" }]);
    await failed(crew, run, "f");
    await crew.app.call("create_task", { run, key: "t", title: "t", prompt: "t", dependencies: ["b"] });
    await crew.app.call("modify_run", { run, changes: [{ op: "add_dependency", task: "h", on: "b" }] });
    const { blocked: held, dead_letter } = await crew.app.call("get_run", { run });
    const cause = {
      kind: "dependency_failed",
      detail: expect.stringMatching(/^f failed: /),
      blocking: [dead_letter[0]!.task.id],
    };
    expect(held.map(({ task, reasons }) => [task.key, reasons])).toEqual(["b", "h", "t"].map((key) => [key, [cause]]));
  });

  test("a failed and a cancelled dependency together block where the failure came first", async () => {
    const crew = await crewOf();
    const run = await meeting(crew);
    await failed(crew, run, "f");
    await crew.app.call("cancel_task", { task: `${run}/c` });
    expect(await crew.statuses(run)).toMatchObject(blocked);
    expect((await crew.run(run)).status).toBe("failed");
  });

  test("a failed and a cancelled dependency together block where the cancellation came first", async () => {
    const crew = await crewOf();
    const run = await meeting(crew);
    await crew.app.call("cancel_task", { task: `${run}/c` });
    expect(await crew.statuses(run)).toMatchObject({ t: "skipped", u: "ready" });
    await failed(crew, run, "f");
    expect(await crew.statuses(run)).toMatchObject(blocked);
    expect((await crew.run(run)).status).toBe("failed");
  });

  test("a replay takes back what the failure alone had made ready, and leaves what has been claimed", async () => {
    const crew = await crewOf();
    const run = await start(crew, [
      { key: "a", ...ONCE },
      { key: "b", ...ONCE },
      { key: "clean", needs: ["a"], trigger: "one_failed", prompt: "after ${{ steps.a.status }}" },
      { key: "report", needs: ["a"], trigger: "all_done" },
      { key: "either", needs: ["a", "b"], trigger: "one_failed" },
      { key: "alarm", needs: ["a"], trigger: "one_failed" },
    ]);
    const letter = await failed(crew, run, "a");
    await failed(crew, run, "b");
    const report = await crew.take("ben", { run });
    expect(report.key).toBe("clean");
    await crew.app.call("release_task", { task: report.id, token: report.token });
    const again = await crew.app.call("replay_dead_letter", { id: letter });
    expect(await crew.statuses(run)).toMatchObject({
      clean: "ready",
      report: "pending",
      either: "ready",
      alarm: "pending",
    });
    expect((again["newly_ready"] as { key: string }[]).map(({ key }) => key)).toEqual(["a"]);
    const second = await failed(crew, run, "a");
    expect(await crew.statuses(run)).toMatchObject({ report: "ready", alarm: "ready" });
    await crew.app.call("resolve_dead_letter", { id: second, notes: "by hand" });
    expect(await crew.statuses(run)).toMatchObject({
      clean: "ready",
      report: "ready",
      either: "ready",
      alarm: "skipped",
    });
  });

  test("a task that is taken back reads its expressions again when it becomes ready anew", async () => {
    const crew = await crewOf();
    const run = await start(crew, [
      { key: "a", ...ONCE },
      { key: "report", needs: ["a"], trigger: "all_done", prompt: "a is ${{ steps.a.status }}" },
    ]);
    const letter = await failed(crew, run, "a");
    const resolved = await crew.app.call("resolve_dead_letter", { id: letter, notes: "by hand", result: 1 });
    expect(resolved["newly_ready"]).toEqual([]);
    expect((await crew.claim("ben", { run })).task?.prompt).toBe("a is dead_letter");
  });

  test("a reservation outlives the failure and the resolution of what its task waits for", async () => {
    const crew = await crewOf();
    await crew.app.call("register_agent", { name: "xia" });
    const run = await start(crew, [
      { key: "a", ...ONCE },
      { key: "b", needs: ["a"] },
    ]);
    await crew.app.call("assign_task", { task: `${run}/b`, agent: "xia" });
    const letter = await failed(crew, run, "a");
    await crew.app.call("resolve_dead_letter", { id: letter, notes: "by hand" });
    expect((await crew.claim("yan", { run })).outcome).toBe("none");
    expect((await crew.take("xia", { run })).key).toBe("b");
  });

  test("a reservation that has lapsed while its task was blocked does not bind when it comes back", async () => {
    const crew = await crewOf();
    await crew.app.call("register_agent", { name: "xia" });
    const run = await start(crew, [
      { key: "a", ...ONCE },
      { key: "b", needs: ["a"] },
    ]);
    await crew.app.call("assign_task", { task: `${run}/b`, agent: "xia" });
    const letter = await failed(crew, run, "a");
    await crew.app.advance(600_000);
    await crew.app.call("resolve_dead_letter", { id: letter, notes: "by hand" });
    await crew.app.advance(1);
    expect((await crew.take("yan", { run })).key).toBe("b");
  });

  test("a run whose tasks were all cancelled one by one has succeeded", async () => {
    const crew = await crewOf();
    const run = await start(crew, [{ key: "a" }]);
    await crew.app.call("cancel_task", { task: `${run}/a` });
    expect((await crew.run(run)).status).toBe("succeeded");
  });

  test("a run taken back past a task of its own can still be modified", async () => {
    const crew = await crewOf();
    const run = await start(crew, [{ key: "p" }, { key: "s" }]);
    const kept = await crew.app.call("create_checkpoint", { run });
    const trigger = "one_failed" as const;
    await crew.app.call("create_task", { run, key: "y", title: "Y", prompt: "y", dependencies: ["p"], trigger });
    const { id } = kept["checkpoint"] as { id: string };
    await crew.app.call("resume_from_checkpoint", { checkpoint: id, as: "in_place" });
    const changes = [{ op: "add_task", step: { key: "z", prompt: "z", needs: ["p"] } }];
    expect((await crew.app.call("modify_run", { run, changes }))["added"]).toMatchObject([{ key: "z" }]);
    const odd = [{ op: "add_task", step: { key: "q", prompt: "q", trigger: "one_failed" } }];
    await expect(crew.app.call("modify_run", { run, changes: odd })).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe.each(BACKENDS)("steps with for_each on %s", (backend) => {
  const crewOf = async () => new Crew(await startAppOn(backend));
  const each = { key: "part", for_each: [1, 2, 3], prompt: "do ${{ item }}", ...ONCE };

  test("cancelling one cancels its elements, of which a held one is asked to stop", async () => {
    const crew = await crewOf();
    const { run } = await crew.start([each, { key: "after", needs: ["part"] }]);
    const held = await crew.take("ann", { run: run.id });
    await crew.app.call("cancel_task", { task: `${run.id}/part` });
    const others = { "part[1]": "cancelled", "part[2]": "cancelled", part: "cancelled", after: "skipped" };
    expect(await crew.statuses(run.id)).toMatchObject({ "part[0]": "running", ...others });
    const told = await crew.app.call("report_progress", { task: held.id, token: held.token });
    expect(told["orders"]).toBe("cancel_requested");
  });

  test("one behind a skipped step that its trigger lets pass has no elements", async () => {
    const crew = await crewOf();
    const { run } = await crew.start([
      { key: "first" },
      { key: "list", needs: ["first"], if: "false" },
      {
        key: "part",
        needs: ["list"],
        trigger: "none_failed",
        for_each: "${{ steps.list.output.modules }}",
        prompt: "do ${{ item }}",
      },
      { key: "after", needs: ["part"] },
    ]);
    await crew.complete(await crew.take("ann", { run: run.id }));
    expect(await crew.statuses(run.id)).toMatchObject({ list: "skipped", part: "succeeded", after: "ready" });
  });

  test("one whose list is missing though its step has succeeded fails still", async () => {
    const crew = await crewOf();
    const { run } = await crew.start([
      { key: "list" },
      { key: "part", needs: ["list"], for_each: "${{ steps.list.output.modules }}", prompt: "do ${{ item }}" },
    ]);
    await crew.complete(await crew.take("ann", { run: run.id }), {});
    expect(await crew.statuses(run.id)).toMatchObject({ part: "dead_letter" });
  });

  test("the results of elements that succeeded reach a join with all_done, which waits for all of them", async () => {
    const crew = await crewOf();
    const join = { key: "join", needs: ["part"], trigger: "all_done", prompt: "${{ steps.part.output }}" };
    const { run } = await crew.start([each, join, { key: "after", needs: ["part"] }]);
    await crew.complete(await crew.take("ann", { run: run.id }), { n: 1 });
    await crew.fail(await crew.take("ann", { run: run.id }));
    expect(await crew.statuses(run.id)).toMatchObject({ part: "pending", join: "pending" });
    await crew.complete(await crew.take("ann", { run: run.id }), { n: 3 });
    expect(await crew.statuses(run.id)).toMatchObject({ part: "blocked", join: "ready", after: "blocked" });
    const { task } = await crew.claim("ann", { run: run.id });
    expect(JSON.parse(task?.prompt ?? "")).toEqual([{ n: 1 }, null, { n: 3 }]);
    const results = [{ key: "part", status: "blocked", result: [{ n: 1 }, null, { n: 3 }] }];
    expect(task?.dependencies).toMatchObject(results);
  });
});

describe("answers that list tasks", () => {
  test("fail_task names every task that is blocked, or says how many more", async () => {
    const app = await startAppOn("sqlite");
    const crew = new Crew(app);
    const many = Array.from({ length: 250 }, (_, at) => ({ key: `s${at}`, needs: [at === 0 ? "a" : `s${at - 1}`] }));
    const { run } = await crew.start([{ key: "a", ...ONCE }, ...many]);
    const answer = await crew.fail(await crew.take("ann", { run: run.id }));
    expect(answer.blocked).toHaveLength(200);
    const next = { tool: "list_tasks", arguments: { run: run.id, status: "blocked" } };
    expect(answer).toMatchObject({ more: [{ status: "blocked", count: 50, next }] });
    const overview = await app.call("get_run", { run: run.id });
    expect(overview).toMatchObject({ more: [{ status: "blocked", count: 230, next }] });
  });

  test("fail_task of a run that stops on a failure names what the stop has blocked", async () => {
    const crew = new Crew(await startAppOn("sqlite"));
    const { run } = await crew.start([{ key: "a", ...ONCE }, { key: "b" }], { on_failure: "stop" });
    const { blocked } = await crew.fail(await crew.take("ann", { run: run.id }));
    expect(blocked).toHaveLength(1);
  });

  test("complete_task says what became ready, and how much is ready besides", async () => {
    const crew = new Crew(await startAppOn("sqlite"));
    const { run } = await crew.start([{ key: "a" }, { key: "b" }]);
    const answer = await crew.complete(await crew.take("ann", { run: run.id }));
    expect(answer).toMatchObject({ newly_ready: [], ready: [], run: { ready: 1 } });
  });

  test("has_cycle tells of a cycle in the tasks as they are stored", async () => {
    const app = await startAppOn("sqlite");
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a" }, { key: "b", needs: ["a"] }]);
    expect(await app.call("get_run_progress", { run: run.id })).toMatchObject({ has_cycle: false });
    const store = await app.app.store();
    await store.transact(function* () {
      yield ["INSERT INTO dependencies (dependency, task) SELECT task, dependency FROM dependencies", []];
    });
    expect(await app.call("get_run_progress", { run: run.id })).toMatchObject({ has_cycle: true });
  });

  test("active_locks counts patterns and locked_files names them", async () => {
    const app = await startAppOn("sqlite");
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "a", files: { write: ["src/a.ts", "src/b/**"] } }]);
    await crew.take("ann", { run: run.id });
    const { conflict_stats } = await app.call("get_run_progress", { run: run.id });
    expect(conflict_stats).toEqual({ active_locks: 2, locked_files: ["src/a.ts", "src/b/**"], failed_tasks: 0 });
  });
});

async function deadLetterOf(app: TestApp, run: string): Promise<string> {
  const { dead_letters } = await app.call("list_dead_letters", { run, status: "pending", limit: 1 });
  return (dead_letters as { id: string }[])[0]?.id ?? "";
}
