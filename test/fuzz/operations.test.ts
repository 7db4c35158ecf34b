import { expect, test } from "vitest";
import { BatonError, ERROR_CODES } from "../../src/base/errors.js";
import { seededRandom } from "../../src/runtime/random.js";
import type { Store } from "../../src/store/tx.js";
import { InternalError } from "../../src/dispatch/dispatch.js";
import { AREAS } from "../../src/base/areas.js";
import type { Operation } from "../../src/dispatch/operation.js";
import { catalogue } from "../../src/tools/registry.js";
import { startApp, type TestApp } from "../support/servers/app.js";
import { Checker, findingsText } from "../support/checker/checker.js";
import { countOf } from "../support/counts.js";
import { Draw } from "../support/draw.js";
import { dumpOf } from "../support/databases/dump.js";
import { HostileInput, type Known } from "../support/fixtures/hostile-input.js";
import { Crew } from "../support/fixtures/plan.js";

/** More with BATON_FUZZ_ROUNDS; another course with BATON_FUZZ_SEED. */
const ROUNDS = countOf("BATON_FUZZ_ROUNDS", { short: 20, long: 200 });
const SEED = Number(process.env["BATON_FUZZ_SEED"] ?? 1);
/** An operation that works for seconds by design: few tries, each of the shortest time. */
const SLOW = { name: "validate_performance", rounds: 5, duration_seconds: 1 } as const;

test.each(AREAS)(
  `operations of the area %s answer anything clearly and change nothing where they refuse (seed ${SEED})`,
  async (area) => {
    const draw = new Draw(seededRandom(SEED + AREAS.indexOf(area)));
    const app = await startApp({ settings: { wait_max_ms: 2, wait_max_with_progress_ms: 2 }, channel: "human" });
    const input = new HostileInput(draw, await world(new Crew(app)));
    const store = await app.app.store();
    for (const operation of catalogue.all.filter((one) => one.area === area)) {
      const schema = catalogue.inputSchema(operation);
      const isSlow = operation.name === SLOW.name;
      for (let round = 0; round < (isSlow ? SLOW.rounds : ROUNDS); round++) {
        const plausible = input.plausible(schema);
        const drawn = draw.chance(0.7) ? input.spoil(plausible) : plausible;
        const given = isSlow ? { ...drawn, duration_seconds: SLOW.duration_seconds } : drawn;
        expect(await wrongWith(app, { operation, given, store })).toBeUndefined();
      }
    }
    expect(findingsText(await new Checker(store).findings())).toBe("");
  },
  300_000,
);

test.each(["", " ", "__proto__", "constructor", "toString", "claim_tasks", "x".repeat(10_000), "\u0000"])(
  "an operation called %j is not there",
  async (name) => {
    const app = await startApp();
    await expect(app.callUnchecked(name)).rejects.toMatchObject({ code: "not_found" });
  },
);

interface Call {
  readonly operation: Operation;
  readonly given: Record<string, unknown>;
  readonly store: Store;
}

/** Returns the fault in the answer to a call; undefined when all is well. */
async function wrongWith(app: TestApp, { operation, given, store }: Call): Promise<unknown> {
  const before = JSON.stringify(await dumpOf(store));
  try {
    const result = await app.callUnchecked(operation.name, given);
    JSON.stringify(result);
    if (operation.effect !== "read" || JSON.stringify(await dumpOf(store)) === before) return undefined;
    return { operation: operation.name, given, problem: "a read has changed something" };
  } catch (error) {
    if (error instanceof InternalError) return { operation: operation.name, given, problem: error.cause };
    if (!(error instanceof BatonError)) return { operation: operation.name, given, problem: error };
    if (!ERROR_CODES.includes(error.code) || error.message.length < 10)
      return { operation: operation.name, given, problem: error };
    JSON.stringify(error.details);
    if (JSON.stringify(await dumpOf(store)) === before) return undefined;
    return { operation: operation.name, given, problem: `refused as ${error.code}, and something has changed` };
  }
}

/** A project with runs, tasks in most states, agents, locks and a workflow; the names of all that. */
async function world(crew: Crew): Promise<Known> {
  const { call, cwd } = crew.app;
  await call("create_project", { name: "p", root: cwd });
  await call("register_agent", { name: "ann", roles: ["backend"], max_concurrent_tasks: 3 });
  await call("register_agent", { name: "ben" });
  const steps = ["a", "b", "c", "d"].map((key) => ({ key, prompt: key, files: { write: [`src/${key}/`] } }));
  await call("create_workflow", { project: "p", name: "flow", definition: { name: "flow", steps } });
  const { run } = await crew.start(
    [...steps, { key: "e", needs: ["a"] }, { key: "f", retry: { max_attempts: 1 } }, { key: "g", needs: ["f"] }],
    { project: "p" },
  );
  await crew.complete(await crew.take("ann", { run: run.id }));
  await crew.take("ann", { run: run.id });
  await crew.take("ben", { run: run.id });
  const { run: failed } = await crew.start(
    [
      { key: "a", retry: { max_attempts: 1 } },
      { key: "b", needs: ["a"] },
    ],
    { project: "p" },
  );
  await crew.fail(await crew.take("ann", { run: failed.id }));
  const single = await call("create_task", { project: "p", title: "one", prompt: "one" });
  await call("acquire_file_lock", { project: "p", agent: "ben", paths: ["docs/"], mode: "shared" });
  const keys = ["a", "b", "c", "d", "e", "f", "g", "nothing"];
  return {
    projects: ["p", "p", "p", "q"],
    runs: [run.id, failed.id, "run_0000000000000000"],
    tasks: [...keys.map((key) => `${run.id}/${key}`), `${failed.id}/a`, single.task.id, "task_0000000000000000"],
    agents: ["ann", "ben", "cleo", "nobody"],
    workflows: ["flow", "none"],
    operations: catalogue.all.map(({ name }) => name),
  };
}
