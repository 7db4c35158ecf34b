import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";

test("a file of a project inside another has one lock, whichever of the two it is named in", async () => {
  const cwd = realpathSync(temporaryDirectory());
  mkdirSync(path.join(cwd, "sub"));
  const { call } = await startApp({ cwd });
  await call("create_project", { name: "outer", root: cwd });
  await call("create_project", { name: "inner", root: path.join(cwd, "sub") });
  const lock = async (agent: string, project: string, file: string) =>
    (await call("acquire_file_lock", { agent, project, paths: [file] })).outcome;
  expect([await lock("a", "outer", "sub/f"), await lock("b", "inner", "f")]).toEqual(["granted", "denied"]);
  expect(await call("check_file_lock", { agent: "b", project: "outer", path: "sub/f" })).toMatchObject({
    allowed: false,
  });
  expect((await call("list_file_locks", { project: "outer", path: "sub/f" })).locks).toHaveLength(1);
  expect(await call("release_file_lock", { agent: "a", project: "outer", paths: ["sub/f"] })).toMatchObject({
    released: ["f"],
  });
  expect([await lock("b", "inner", "f"), await lock("a", "outer", "sub")]).toEqual(["granted", "denied"]);
  expect(await lock("a", "outer", "substance")).toBe("granted");
  await expect(call("acquire_file_lock", { project: "outer", paths: ["sub/f", "own"] })).rejects.toThrow(
    /belong to several projects: "inner" \(sub\/\)/,
  );
});

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
