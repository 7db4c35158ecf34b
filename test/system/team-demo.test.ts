import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, it } from "vitest";

const HOME = path.resolve(import.meta.dirname, "../..");
const RUN_MS_MAX = 240_000;

it(
  "four assistants and a person go from a goal to a finished library, through a budget, questions and kill -9 of everything",
  async () => {
    const child = spawn("npm", ["run", "--silent", "demo", "--", "team", "--remove"], { cwd: HOME });
    let told = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (told += text));
    await once(child, "close");
    expect(told).toContain("demo passed");
    expect(told).not.toContain("✗");
  },
  RUN_MS_MAX,
);
