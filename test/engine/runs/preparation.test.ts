import { expect, test } from "vitest";
import type { StorePoint } from "../../../src/store/driver/faults.js";
import { startApp } from "../../support/servers/app.js";
import { raceRoom } from "../../support/fixtures/race-fixture.js";

const named = (keys: readonly string[]) => ({ name: "plan", steps: keys.map((key) => ({ key, prompt: "do it" })) });

test("a version that is stored while an older one is being read is the one that runs", async () => {
  const { first, second, gate } = await raceRoom();
  await second.call("create_workflow", { definition: named(["old"]) });
  const read = gate.stopAt(/^COMMIT$/);
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
  const read = gate.stopAt(/^COMMIT$/);
  const started = first.call("execute_workflow", { workflow: "plan" });
  await read.reached;
  await second.call("delete_workflow", { name: "plan" });
  read.open();
  await expect(started).rejects.toMatchObject({ code: "invalid_transition" });
});

test("the transaction that starts a large run takes the smaller part of the work", { timeout: 60_000 }, async () => {
  const clock = new TransactionClock();
  const app = await startApp({ storeHooks: { observe: (point) => clock.note(point) } });
  await app.call("create_project", { name: "demo" });
  const start = (steps: number) => {
    const keys = Array.from({ length: steps }, (_, n) => `t${n}`);
    const definition = {
      name: "plan",
      steps: keys.map((key, n) => ({
        key,
        prompt: "do it",
        needs: keys.slice(n < 100 ? 0 : n - 100, n < 100 ? 0 : n - 97),
      })),
    };
    return app.call("execute_workflow", { project: "demo", definition });
  };
  await start(2_000);
  const before = process.cpuUsage();
  await start(4_000);
  const whole = microseconds(process.cpuUsage(before));
  process.stderr.write(`processor time of the transaction: ${clock.us} of ${whole} µs\n`);
  expect(clock.us).toBeLessThan(0.7 * whole);
});

/** The processor time from the first statement of the latest transaction to its COMMIT. */
class TransactionClock {
  us = 0;
  #begun: NodeJS.CpuUsage | undefined;

  note({ statement }: StorePoint): void {
    this.#begun ??= process.cpuUsage();
    if (statement !== "COMMIT") return;
    this.us = microseconds(process.cpuUsage(this.#begun));
    this.#begun = undefined;
  }
}

function microseconds({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}
