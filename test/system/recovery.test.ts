import path from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { type Fault, FAULTS, LIVES } from "../support/recovery/faults.js";
import { connectClient } from "../support/servers/client.js";

// `npm run bench -- recovery` is the long form, on both databases.
const TIMES = 2;
const HOME = path.resolve(import.meta.dirname, "../..");

async function measured(fault: Fault, times: number) {
  const cwd = temporaryDirectory();
  const database = path.join(cwd, "baton.db");
  return { cwd, database, taken: await fault.measure({ home: HOME, cwd, database }, times) };
}

const flapping = FAULTS.filter(({ name }) => name === "flapping");

describe.skipIf(process.platform !== "linux")("a task runs again within the bound", () => {
  test.each(FAULTS.filter((fault) => !flapping.includes(fault)))("after a fault: $name", async (fault) => {
    const { taken } = await measured(fault, TIMES);
    expect(taken).toHaveLength(TIMES);
    expect(Math.max(...taken)).toBeLessThan(fault.boundMs);
  });

  test.each(flapping)("after each life of an agent killed again and again, whose breaker opens", async (fault) => {
    const { cwd, database, taken } = await measured(fault, LIVES);
    expect(Math.max(...taken)).toBeLessThan(fault.boundMs);
    const reader = await connectClient({ database, cwd });
    const { breakers } = await reader.query("list_circuit_breakers");
    expect(breakers).toMatchObject([{ target: "agent:flapping-0", state: "open" }]);
  });
});
