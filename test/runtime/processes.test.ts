import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isAlive, ownMark } from "../../src/runtime/processes.js";

test("a process is known by its pid and its start", () => {
  const own = ownMark();
  expect(isAlive(own)).toBe(true);
  expect(ownMark()).toEqual(own);
});

// Only Linux tells when a process started.
test.runIf(process.platform === "linux")("a pid that was given to another process is not the one that is gone", () => {
  const own = ownMark();
  expect(isAlive({ ...own, processStartedAt: own.processStartedAt - 10 })).toBe(false);
});

test("a process that has ended is gone", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  expect(isAlive({ pid: child.pid ?? 0, processStartedAt: 0 })).toBe(false);
});
