import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { StorePoint } from "../../src/store/driver/faults.js";
import { atEnd } from "../support/lifetime.js";
import { startApp } from "../support/servers/app.js";
import { Crew } from "../support/fixtures/plan.js";

// Spec 03, Ready and claimable. What they take now stands in docs/architecture.md, "A claim, step by step".
const BOUNDS = { claim: 12, claimWithFiles: 16, completion: 10 } as const;

test("a claim and a completion take few statements", async () => {
  const counter = new StatementCounter();
  const app = await startApp({ storeHooks: { observe: (point) => counter.note(point) } });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const plain = await crew.start([{ key: "a" }, { key: "b" }], { project: "demo" });
  const files = await crew.start(
    [
      { key: "a", files: { write: ["a.md"] } },
      { key: "b", files: { write: ["b.md"] } },
    ],
    { project: "demo" },
  );
  // An agent is registered with its first call.
  await crew.complete(await crew.take("ann", { run: plain.run.id }));
  await crew.complete(await crew.take("ann", { run: files.run.id }));

  const claimed = await counter.count(() => crew.take("ann", { run: plain.run.id }));
  expect(claimed.statements).toBeLessThanOrEqual(BOUNDS.claim);
  await crew.complete(claimed.result);
  const withFiles = await counter.count(() => crew.take("ann", { run: files.run.id }));
  expect(withFiles.statements).toBeLessThanOrEqual(BOUNDS.claimWithFiles);
});

test("a completion that readies nothing and ends no run takes few statements", async () => {
  const counter = new StatementCounter();
  const app = await startApp({ storeHooks: { observe: (point) => counter.note(point) } });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const { run } = await crew.start([{ key: "a" }, { key: "b" }], { project: "demo" });
  const held = await crew.take("ann", { run: run.id });
  const completed = await counter.count(() => crew.complete(held));
  expect(completed.statements).toBeLessThanOrEqual(BOUNDS.completion);
});

test("only a run under a budget pays for it: a statement with each claim, one with what costs something; usage pays three for its record", async () => {
  const counter = new StatementCounter();
  const app = await startApp({ storeHooks: { observe: (point) => counter.note(point) } });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const definition = { name: "plan", steps: ["a", "b"].map((key) => ({ key, prompt: key })) };
  const countsOf = async ({ usage, ...terms }: { budget?: number; usage?: { usage: { cost: number } } }) => {
    const { run } = await app.call("execute_workflow", { project: "demo", definition, ...terms });
    const claimed = await counter.count(() => crew.take("ann", { run: run.id }));
    const { id: task, token } = claimed.result;
    const ended = await counter.count(() => app.call("complete_task", { task, token, ...usage }));
    return [claimed.statements, ended.statements];
  };
  // An agent is registered with its first call.
  await countsOf({});
  const [claim = 0, end = 0] = await countsOf({});
  const usage = { usage: { cost: 1 } };
  expect(await countsOf({ usage })).toEqual([claim, end + 3]);
  expect(await countsOf({ usage, budget: 100 })).toEqual([claim + 1, end + 4]);
  expect(await countsOf({ budget: 100 })).toEqual([claim + 1, end]);
});

test("a later wait for decisions reads no inbox: it takes as many statements as one for milestones", async () => {
  const counter = new StatementCounter();
  const app = await startApp({ storeHooks: { observe: (point) => counter.note(point) } });
  await app.call("create_project", { name: "demo" });
  const wait = async (kind: "decision" | "milestone") => {
    const asked = { project: "demo", kinds: [kind], timeout_seconds: 0 };
    return (await counter.count(() => app.call("wait_for", asked))).statements;
  };
  // The first wait of an agent looks for what waits for it.
  await wait("milestone");
  expect(await wait("decision")).toBe(await wait("milestone"));
});

test("a dry run of routing waits for no writer, and a prediction reads no results of attempts", async () => {
  const texts: string[] = [];
  const note = ({ statement }: StorePoint) => void (statement !== "COMMIT" && texts.push(statement[0]));
  const app = await startApp({ storeHooks: { observe: note } });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const { run } = await crew.start([{ key: "a" }, { key: "b" }], { project: "demo" });
  await crew.complete(await crew.take("ann", { run: run.id }));
  const writer = new Database(app.database);
  atEnd(() => void writer.close());
  writer.exec("BEGIN IMMEDIATE");
  const { ranking } = await app.call("route_task", { task: `${run.id}/b` });
  expect(ranking.map(({ agent }) => agent)).toContain("ann");
  texts.length = 0;
  await app.call("predict_failures", {});
  expect(texts.filter((text) => text.includes("FROM attempts") && /\bresult\b/.test(text))).toEqual([]);
});

test("tasks that a change of the graph opens again look for those behind them together", async () => {
  const texts: string[] = [];
  const note = ({ statement }: StorePoint) => void (statement !== "COMMIT" && texts.push(statement[0]));
  const app = await startApp({ storeHooks: { observe: note } });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const lookups = async (opened: readonly string[]) => {
    const behind = opened.flatMap((key) => [
      { key, needs: ["a"] },
      { key: `${key}-next`, needs: [key] },
    ]);
    const { run } = await crew.start([{ key: "a", retry: { max_attempts: 1 } }, ...behind, { key: "z" }], {
      project: "demo",
    });
    await crew.fail(await crew.take("ann", { run: run.id }));
    texts.length = 0;
    const changes = opened.map((task) => ({ op: "remove_dependency" as const, task, on: "a" }));
    const { ready } = await app.call("modify_run", { run: run.id, changes });
    expect(ready.map(({ key }) => key)).toEqual(opened);
    return texts.filter((text) => text.includes("t.status IN ('blocked', 'cancelled')")).length;
  };
  const one = await lookups(["b"]);
  expect(one).toBeGreaterThan(0);
  expect(await lookups(["b", "c", "d", "e"])).toBe(one);
});

/** Counts what goes to the database, BEGIN and COMMIT left out. */
class StatementCounter {
  #statements = 0;

  note({ statement }: StorePoint): void {
    if (statement !== "COMMIT") this.#statements += 1;
  }

  async count<T>(work: () => Promise<T>): Promise<{ result: T; statements: number }> {
    const before = this.#statements;
    const result = await work();
    return { result, statements: this.#statements - before };
  }
}
