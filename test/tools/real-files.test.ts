import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";

test("tasks lock the files they declare by their real names", async () => {
  const cwd = realpathSync(temporaryDirectory());
  mkdirSync(path.join(cwd, "src"));
  writeFileSync(path.join(cwd, "src/a.ts"), "");
  symlinkSync("src", path.join(cwd, "lib"));
  symlinkSync(temporaryDirectory(), path.join(cwd, "out"));
  const { call } = await startApp({ cwd });
  await call("create_project", { name: "p", root: cwd });
  await call("acquire_file_lock", { agent: "holder", paths: ["src/a.ts"] });
  const files = (written: string) => ({ files: { write: [written] } });
  const { task } = await call("create_task", { title: "t", prompt: "x", ...files("lib/a.ts") });
  const steps = [
    { key: "linked", prompt: "x", ...files("lib/a.ts") },
    { key: "directory", prompt: "x", ...files("lib") },
    { key: "free", prompt: "x", ...files("lib/other.ts") },
  ];
  const { run } = await call("execute_workflow", { definition: { name: "w", steps } });
  const claimed = await call("claim_task", { agent: "worker", run: run.id });
  expect([claimed.task?.key, claimed.locks?.map((lock) => lock.path)]).toEqual(["free", ["src/other.ts"]]);
  for (const within of [run.id, task.run])
    expect((await call("claim_task", { agent: "other", run: within })).outcome).toBe("none");
  for (const refused of [
    call("create_task", { title: "t", prompt: "x", ...files("out/x") }),
    call("execute_workflow", { definition: { name: "o", steps: [{ key: "o", prompt: "x", ...files("out/x") }] } }),
  ])
    await expect(refused).rejects.toThrow(/outside the project root .* by a symbolic link/);
});
