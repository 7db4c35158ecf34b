import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const HOME = path.resolve(import.meta.dirname, "../..");
const RUN_MS_MAX = 240_000;

it(
  "four assistants and a person go from a goal to a finished library, through a budget, questions and kill -9 of everything",
  async () => {
    const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "demo", "--", "team", "--remove"], {
      cwd: HOME,
    });
    expect(stdout).toContain("demo passed");
    expect(stdout).not.toContain("✗");
  },
  RUN_MS_MAX,
);
