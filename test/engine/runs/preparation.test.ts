import { describe, expect, test } from "vitest";
import type { StorePoint } from "../../../src/store/driver/faults.js";
import { startAppOn, type TestApp } from "../../support/servers/app.js";
import { isLong } from "../../support/counts.js";
import { type Backend, BACKENDS, testRuntime } from "../../support/databases/databases.js";
import { raceRoom } from "../../support/fixtures/race-fixture.js";

const named = (keys: readonly string[]) => ({ name: "plan", steps: keys.map((key) => ({ key, prompt: "do it" })) });

/** The transaction looks first whether it has been done: by then the definition has been read before it. */
const FIRST_OF_THE_TRANSACTION = /FROM requests/;

test("a version that is stored while an older one is being read is the one that runs", async () => {
  const { first, second, gate } = await raceRoom();
  await second.call("create_workflow", { definition: named(["old"]) });
  const read = gate.stopAt(FIRST_OF_THE_TRANSACTION);
  const started = first.call("execute_workflow", { workflow: "plan" });
  await read.reached;
  await second.call("create_workflow", { definition: named(["new", "newer"]) });
  read.open();
  const { ready } = await started;
  expect(ready.map(({ key }) => key)).toEqual(["new", "newer"]);
});

test("a workflow that is deleted while it is being read is not run", async () => {
  const { first, second, gate } = await raceRoom();
  await second.call("create_workflow", { definition: named(["old"]) });
  const read = gate.stopAt(FIRST_OF_THE_TRANSACTION);
  const started = first.call("execute_workflow", { workflow: "plan" });
  await read.reached;
  await second.call("delete_workflow", { name: "plan" });
  read.open();
  await expect(started).rejects.toMatchObject({ code: "invalid_transition" });
});

const STEPS = 2_000;
const keys = Array.from({ length: STEPS }, (_, n) => `t${n}`);
const needsOf = (n: number) => keys.slice(n < 100 ? 0 : n - 100, n < 100 ? 0 : n - 97);
const steps = keys.map((key, n) => ({ key, prompt: "do it", needs: needsOf(n) }));
const definition = { name: "large", steps };

type Call = (app: TestApp, variant: string) => Promise<unknown>;

/** How a large definition arrives, and the share of the work that may be left to the transaction: the rows. */
const ARRIVALS: readonly {
  readonly by: string;
  readonly share: number;
  readonly before?: Call;
  readonly call: Call;
}[] = [
  {
    by: "execute_workflow",
    share: 0.85,
    call: ({ call }, name) => call("execute_workflow", { definition: { ...definition, name } }),
  },
  {
    by: "create_workflow",
    share: 0.3,
    call: ({ call }, name) => call("create_workflow", { definition: { ...definition, name } }),
  },
  {
    by: "create_complex_workflow",
    share: 0.85,
    call: ({ call }, name) =>
      call("create_complex_workflow", {
        name,
        execute: true,
        steps: keys.map((key) => ({ name: key, module: "baton", action: "agent", parameters: { prompt: "do it" } })),
        dependencies: Object.fromEntries(keys.map((key, n) => [key, needsOf(n)])),
      }),
  },
  {
    by: "import_workflow",
    share: 0.3,
    call: ({ call }, name) => call("import_workflow", { name, document: recorded }),
  },
  {
    by: "complete_task of a plan",
    share: 0.85,
    before: ({ call }, goal) => call("orchestrate", { goal }),
    call: async ({ call }) => {
      const { tasks } = await call("list_tasks", { status: "running" });
      const task = tasks[0]?.id ?? "";
      const { lease } = await call("get_task", { task });
      return call("complete_task", { task, token: lease?.token ?? 0, result: { steps } });
    },
  },
  {
    by: "a step that runs a workflow",
    share: 0.85,
    before: async ({ call }, name) => {
      await call("create_workflow", { definition: { ...definition, name } });
      await call("execute_workflow", {
        definition: { name: "parent", steps: [{ key: "a", kind: "workflow", workflow: name }] },
      });
    },
    call: ({ advance }) => advance(1_000),
  },
];
const recorded = JSON.stringify({
  name: "recorded",
  schemaVersion: "1.5",
  workflow: {
    specification: { tasks: keys.map((id, n) => ({ name: id, id, parents: needsOf(n), children: [] })), files: [] },
  },
});

/** Preparation is the same on both databases: in the short form one way into each kind of transaction stands for all on the second. */
const arrivalsOn = (backend: Backend) =>
  backend === "sqlite" || isLong ? ARRIVALS : ARRIVALS.filter(({ by }) => /^(?:execute|create)_workflow$/.test(by));

describe.each(BACKENDS)("preparation of a large definition on %s", (backend) => {
  test.each(arrivalsOn(backend))(
    "$by does the larger part of the work before its transaction",
    { timeout: 60_000 },
    async ({ share, before, call }) => {
      const clock = new TransactionClock();
      const runtime = testRuntime();
      const storeHooks = { now: () => runtime.clock.now(), observe: (point: StorePoint) => clock.note(point) };
      const app = await startAppOn(backend, { runtime, storeHooks });
      await app.call("create_project", { name: "demo" });
      for (const variant of ["warm-up", "measured"]) {
        await before?.(app, variant);
        const begun = process.cpuUsage();
        clock.reset();
        await call(app, variant);
        clock.whole = microseconds(process.cpuUsage(begun));
      }
      process.stderr.write(`processor time of the transaction: ${clock.us} of ${clock.whole} µs\n`);
      expect(clock.us).toBeGreaterThan(0);
      expect(clock.us).toBeLessThan(share * clock.whole);
    },
  );
});

/** The processor time of the latest transaction that wrote a definition or tasks, from the COMMIT before it to its own. */
class TransactionClock {
  us = 0;
  whole = 0;
  #since = process.cpuUsage();
  #writes = false;

  reset(): void {
    this.us = 0;
    this.#since = process.cpuUsage();
  }

  note({ statement }: StorePoint): void {
    if (statement !== "COMMIT") {
      this.#writes ||= /^INSERT INTO (tasks|workflow_versions) /.test(statement[0]);
      return;
    }
    if (this.#writes) this.us = microseconds(process.cpuUsage(this.#since));
    this.#since = process.cpuUsage();
    this.#writes = false;
  }
}

function microseconds({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}
