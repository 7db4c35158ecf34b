import { spawnSync } from "node:child_process";
import path from "node:path";

const BUILD = path.resolve(import.meta.dirname, "../../scripts/build.mjs");

/**
 * Brings dist/ up to date before the first test, because tests start the built server. Type errors do not stop a run
 * (the compiler writes its output all the same, and `npm test` has refused them before it comes here); no output does.
 */
export function setup(): void {
  const { status, error } = spawnSync(process.execPath, [BUILD, "--if-stale", "--keep-going"], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("dist/ could not be built", { cause: error });
}
