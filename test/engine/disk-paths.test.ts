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

/** A project at `cwd` with `lib → src`, `out →` a directory elsewhere, and `src/a.ts` locked by another agent. */
async function linkedProject() {
  const cwd = realpathSync(temporaryDirectory());
  mkdirSync(path.join(cwd, "src"));
  writeFileSync(path.join(cwd, "src/a.ts"), "");
  symlinkSync("src", path.join(cwd, "lib"));
  symlinkSync(temporaryDirectory(), path.join(cwd, "out"));
  const { call, advance } = await startApp({ cwd });
  await call("create_project", { name: "p", root: cwd });
  await call("acquire_file_lock", { agent: "holder", paths: ["src/a.ts"] });
  /** Claims a task of a run for a new worker: its key and the files locked with it, or the reason why there is none. */
  let workers = 0;
  const claimed = async (run: string) => {
    const { task, locks, reason } = await call("claim_task", { agent: `worker-${++workers}`, run });
    return task === undefined ? reason : [task.key, ...(locks ?? []).map((lock) => lock.path)];
  };
  const start = async (definition: Record<string, unknown>, inputs = {}) =>
    (await call("execute_workflow", { definition, inputs })).run.id;
  return { cwd, call, advance, claimed, start };
}

const files = (written: string) => ({ files: { write: [written] } });
const step = (key: string, written: string) => ({ key, prompt: "x", ...files(written) });

test("tasks lock the files they declare by their real names", async () => {
  const { call, claimed, start } = await linkedProject();
  const { task } = await call("create_task", { title: "t", prompt: "x", ...files("lib/a.ts") });
  const steps = [step("linked", "lib/a.ts"), step("directory", "lib"), step("free", "lib/other.ts")];
  const run = await start({ name: "w", steps });
  expect([await claimed(run), await claimed(run), await claimed(task.run)]).toEqual([
    ["free", "src/other.ts"],
    "locked_out",
    "locked_out",
  ]);
  for (const refused of [
    call("create_task", { title: "t", prompt: "x", ...files("out/x") }),
    start({ name: "o", steps: [step("o", "out/x")] }),
  ])
    await expect(refused).rejects.toThrow(/outside the project root .* by a symbolic link/);
});

test("files named by expressions, plans, changes and child runs are locked by their real names", async () => {
  const { call, advance, claimed, start } = await linkedProject();
  const inputs = { place: { type: "string", required: true }, names: { type: "array", required: true } };
  const each = { ...step("each", "${{ inputs.place }}/${{ item }}"), for_each: "${{ inputs.names }}" };
  const ofInputs = await start({ name: "e", inputs, steps: [each] }, { place: "lib", names: ["a.ts", "b.ts"] });
  expect([await claimed(ofInputs), await claimed(ofInputs)]).toEqual([["each[1]", "src/b.ts"], "locked_out"]);

  const planning = await start({ name: "plan", steps: [{ key: "plan", kind: "plan", prompt: "x" }] });
  const { task, lease } = await call("claim_task", { agent: "planner", run: planning });
  const steps = [step("held", "lib/a.ts"), step("own", "lib/c.ts")];
  await call("complete_task", { task: task?.id ?? "", token: lease?.token ?? 0, result: { steps } });
  expect([await claimed(planning), await claimed(planning)]).toEqual([["own", "src/c.ts"], "locked_out"]);

  const changed = await start({ name: "changed", steps: [step("held", "other")] });
  const changes = [
    { op: "update_task", task: "held", set: files("lib/a.ts") },
    { op: "add_task", step: step("own", "lib/d.ts") },
  ];
  await call("modify_run", { run: changed, changes });
  expect([await claimed(changed), await claimed(changed)]).toEqual([["own", "src/d.ts"], "locked_out"]);

  await call("create_workflow", {
    definition: { name: "inner", steps: [step("held", "lib/a.ts"), step("own", "lib/e.ts")] },
  });
  const parent = await start({ name: "parent", steps: [{ key: "child", kind: "workflow", workflow: "inner" }] });
  await advance(0);
  expect([await claimed(parent), await claimed(parent)]).toEqual([["own", "src/e.ts"], "locked_out"]);
});

test("a file that a value leads out of the root fails its task alone, and another name of the root means the root", async () => {
  const { cwd, call, claimed, start } = await linkedProject();
  const link = path.join(temporaryDirectory(), "link");
  symlinkSync(cwd, link);
  const after = (key: string, name: string) => ({
    ...step(key, `\${{ steps.first.output.${name} }}`),
    needs: ["first"],
  });
  const steps = [{ key: "first", prompt: "x" }, after("out", "out"), after("own", "own")];
  const run = await start({ name: "values", steps });
  const { task, lease } = await call("claim_task", { agent: "first", run });
  const result = { out: "out/x", own: `${link}/lib/b.ts` };
  await call("complete_task", { task: task?.id ?? "", token: lease?.token ?? 0, result });
  expect(await claimed(run)).toEqual(["own", "src/b.ts"]);
  const { tasks } = await call("list_tasks", { run, status: "dead_letter" });
  expect(tasks.map(({ key }) => key)).toEqual(["out"]);

  const definition = { name: "stored", steps: [step("a", `${link}/src/b.ts`)] };
  expect(await call("validate_workflow", { definition })).toMatchObject({ valid: true });
  await call("create_workflow", { definition });
  await expect(
    start(
      {
        name: "inputs",
        inputs: { out: { type: "string" }, own: { type: "string" } },
        steps: [step("a", "${{ inputs.out }}")],
      },
      result,
    ),
  ).rejects.toThrow(/step "?a"?.*by a symbolic link/);
});

test("a chain of paths of which each is known when the one before has been looked up comes to an end", async () => {
  const { call, start } = await linkedProject();
  const chain = Array.from({ length: 8 }, (_, at) => ({
    ...step(`c${at}`, `out/\${{ steps.first.output }}${at}`),
    needs: ["first", ...(at === 0 ? [] : [`c${at - 1}`])],
    trigger: at === 0 ? "all_succeeded" : "one_failed",
  }));
  const run = await start({ name: "chain", steps: [{ key: "first", prompt: "x" }, ...chain] });
  const { task, lease } = await call("claim_task", { run });
  await call("complete_task", { task: task?.id ?? "", token: lease?.token ?? 0, result: "x" });
  expect((await call("list_tasks", { run, status: "dead_letter" })).tasks).toHaveLength(8);
});
