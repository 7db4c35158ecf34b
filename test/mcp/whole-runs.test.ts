import { expect, test } from "vitest";
import type { ResultOf } from "../../src/tools/registry.js";
import { connectClient, type TestClient } from "../support/servers/client.js";
import { temporaryDirectory } from "../support/databases/databases.js";

interface Held {
  readonly task: NonNullable<ResultOf<"claim_task">["task"]>;
  readonly lease: NonNullable<ResultOf<"claim_task">["lease"]>;
}

/** Two assistants, each with a server of its own, on one database. */
async function pair(): Promise<{ planner: TestClient; worker: TestClient }> {
  const cwd = temporaryDirectory();
  const planner = await connectClient({ cwd });
  await planner.call("create_project", { name: "here", root: cwd });
  return { planner, worker: await connectClient({ cwd, database: planner.server.database }) };
}

async function take(client: TestClient, run: string): Promise<Held> {
  const { outcome, task, lease } = await client.call("claim_task", { run, wait_seconds: 50 });
  expect(outcome).toBe("claimed");
  return { task: task!, lease: lease! };
}

async function complete(client: TestClient, { task, lease }: Held, result: unknown = task.key): Promise<void> {
  await client.call("complete_task", { task: task.id, token: lease.token, result });
}

async function start(client: TestClient, definition: Record<string, unknown>): Promise<string> {
  return (await client.call("execute_workflow", { definition })).run.id;
}

const statusOf = async (client: TestClient, run: string) => (await client.call("get_run", { run })).run.status;

test("one assistant changes a run while another works on it; the worker ends what it has, and goes on as the run is now", async () => {
  const { planner, worker } = await pair();
  const steps = [
    { key: "a", prompt: "a" },
    { key: "b", prompt: "b", needs: ["a"] },
  ];
  const run = await start(planner, { name: "changed", steps });
  const held = await take(worker, run);
  const changes = [
    { op: "add_task", step: { key: "between", prompt: "use ${{ steps.a.output }}", needs: ["a"] }, before: ["b"] },
    { op: "insert_gate", after: "between", checks: ['steps.between.output == "between"'] },
  ];
  await planner.call("modify_run", { run, changes, expected_revision: 1 });
  await expect(planner.call("modify_run", { run, changes, expected_revision: 1 })).rejects.toThrow("revision 2");
  await complete(worker, held);
  const between = await take(worker, run);
  expect(between.task).toMatchObject({ key: "between", prompt: "use a" });
  await complete(worker, between);
  await complete(worker, await take(worker, run));
  expect(await statusOf(planner, run)).toBe("succeeded");
});

test("a run within a run is worked on and handed up, a failure behind it is undone, whichever server dies meanwhile", async () => {
  const { planner, worker } = await pair();
  await worker.call("create_workflow", { name: "inner", definition: { steps: [{ key: "do", prompt: "do" }] } });
  const run = await start(planner, {
    name: "outer",
    on_failure: "compensate",
    steps: [
      { key: "first", prompt: "first", compensate: { prompt: "undo ${{ steps.first.output }}" } },
      { key: "call", kind: "workflow", workflow: "inner", needs: ["first"] },
      { key: "last", prompt: "use ${{ steps.call.output.steps.do }}", needs: ["call"], retry: { max_attempts: 1 } },
    ],
  });
  await complete(worker, await take(worker, run), "one");
  planner.server.child.kill("SIGKILL");
  const inner = await take(worker, run);
  expect(inner.task).toMatchObject({ key: "do" });
  expect(inner.task.run).not.toBe(run);
  await complete(worker, inner, "done");
  const { task, lease } = await take(worker, run);
  expect(task).toMatchObject({ key: "last", prompt: "use done" });
  await worker.call("fail_task", { task: task.id, token: lease.token, error: { type: "broken", message: "it is" } });
  const undo = await take(worker, run);
  expect(undo.task).toMatchObject({ key: "compensate(first)", prompt: "undo one" });
  await complete(worker, undo);
  expect(await statusOf(worker, run)).toBe("compensated");
});
