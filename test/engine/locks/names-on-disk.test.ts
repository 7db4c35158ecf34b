import { linkSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { startApp } from "../../support/servers/app.js";

/** A project in a new directory with the name given, and a function that locks a file for a new agent. */
async function projectAt(name: string, prepare: (cwd: string) => void = () => undefined) {
  const cwd = path.join(realpathSync(temporaryDirectory()), name);
  mkdirSync(cwd);
  prepare(cwd);
  const { call } = await startApp({ cwd });
  await call("create_project", { name: "p", root: cwd });
  let agents = 0;
  const lock = async (...paths: string[]) =>
    (await call("acquire_file_lock", { agent: `a${++agents}`, project: "p", paths })).outcome;
  return { cwd, call, lock };
}

/** A file that answers to its name in capitals too, as on a file system that does not tell cases apart. */
function answersInCapitals(cwd: string): void {
  writeFileSync(path.join(cwd, "readme"), "");
  linkSync(path.join(cwd, "readme"), path.join(cwd, "README"));
}

test("where the disk does not tell cases apart, a file has one lock however it is spelled", async () => {
  const { cwd, call, lock } = await projectAt("Shop", answersInCapitals);
  expect(await lock("src/Main.ts", "Docs/")).toBe("granted");
  const same = [
    "SRC/main.ts",
    "src",
    "**/*.TS",
    "docs/a.md",
    path.join(cwd.toUpperCase(), "src/main.ts"),
    "SRC/MAIN.TS/x",
  ];
  const outcomes = await Promise.all(same.map((name) => lock(name)));
  expect(outcomes).toEqual(same.map(() => "denied"));
  expect(await lock("src/Main.tsx")).toBe("granted");
  // A task's files are compared by the same rule.
  const definition = { name: "w", steps: [{ key: "s", prompt: "x", files: { write: ["SRC/MAIN.ts"] } }] };
  const { run } = await call("execute_workflow", { project: "p", definition });
  expect(await call("claim_task", { agent: "w", run: run.id })).toMatchObject({ reason: "locked_out" });
});

test("a project inside of another whose disk does not tell cases apart has their common files in common", async () => {
  const { cwd, call, lock } = await projectAt("Shop", (directory) => {
    answersInCapitals(directory);
    mkdirSync(path.join(directory, "Sub"));
    answersInCapitals(path.join(directory, "Sub"));
  });
  await call("create_project", { name: "inner", root: path.join(cwd, "Sub") });
  await call("acquire_file_lock", { agent: "x", project: "inner", paths: ["F.ts"] });
  expect([await lock("**/f.TS"), await lock("sub/f.ts"), await lock("s*/*.ts"), await lock("sub/g.ts")]).toEqual([
    "denied",
    "denied",
    "denied",
    "granted",
  ]);
});

test("a name has one lock in each of its Unicode forms, also where the root or an inner project is written in another", async () => {
  const [composed, decomposed] = ["caf\u00e9", "cafe\u0301"];
  const { cwd, call, lock } = await projectAt(decomposed, (directory) => mkdirSync(path.join(directory, decomposed)));
  expect(await lock(`src/${composed}.ts`)).toBe("granted");
  const same = [`src/${decomposed}.ts`, `src/${decomposed}*`, path.join(cwd.normalize("NFC"), `src/${composed}.ts`)];
  expect(await Promise.all(same.map((name) => lock(name)))).toEqual(same.map(() => "denied"));
  await call("create_project", { name: "inner", root: path.join(cwd, decomposed) });
  expect(await lock(`${decomposed}/f`)).toBe("granted");
  const inner = async (file: string) =>
    (await call("acquire_file_lock", { agent: "z", project: "inner", paths: [file] })).outcome;
  expect([await inner("f"), await lock(`${composed}/f`), await inner("g")]).toEqual(["denied", "denied", "granted"]);
});
