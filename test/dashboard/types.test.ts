import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

const SCRIPT = path.resolve(import.meta.dirname, "../../scripts/dashboard-types.mjs");

test("the dashboard has the types of the operations as OpenAPI has them", () => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
