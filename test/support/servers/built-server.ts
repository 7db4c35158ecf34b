import { spawnSync } from "node:child_process";
import path from "node:path";

const BUILD = path.resolve(import.meta.dirname, "../../../scripts/build.mjs");

/**
 * Brings dist/ up to date before the first test, because tests start the built server. While code is being written, a
 * build that fails must not keep the other tests from running: type errors are let through as long as there is output,
 * and without output the old dist/ stays and this says so. `npm test` builds strictly before it comes here.
 */
export function setup(): void {
  const { status } = spawnSync(process.execPath, [BUILD, "--if-stale", "--keep-going"], { stdio: "inherit" });
  if (status !== 0) process.stderr.write("dist/ is out of date: tests that start the built server cannot be trusted\n");
}
