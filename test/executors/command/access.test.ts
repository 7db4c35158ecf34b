import { mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { StoreHooks } from "../../../src/store/driver/faults.js";
import { startApp } from "../../support/servers/app.js";
import { type CommandFixture, openCommandFixture } from "../../support/fixtures/command-fixture.js";
import { temporaryDirectory, ownRuntime } from "../../support/databases/databases.js";
import { until } from "../../support/until.js";

/** Another process on the same database, with ids of its own. */
const besides = (fixture: CommandFixture) => ({ database: fixture.app.database, runtime: ownRuntime() });

describe("permission to run a command", () => {
  test("is given by a person only: the step waits, and every answer says why", async () => {
    const fixture = await openCommandFixture({ allow: false });
    const { run, warnings } = await fixture.start([{ key: "a", run: "touch ran" }]);
    expect(warnings).toEqual([expect.stringContaining("A command step waits: no running server is allowed")]);
    await fixture.app.advance(60_000);
    expect((await fixture.task(run)).task.status).toBe("ready");
    expect(await fixture.reasons(run)).toMatchObject([{ kind: "commands_not_allowed" }]);
    expect(await fixture.app.call("claim_task", { agent: "ann", run })).toMatchObject({
      outcome: "none",
      reason: "no_capability",
    });
    expect(fixture.file("ran")).toBeUndefined();
    // Another process that is allowed to takes it over as it is.
    const other = await openCommandFixture({ ...besides(fixture), cwd: fixture.app.cwd });
    expect(await other.ended(run)).toBe("succeeded");
    expect(fixture.file("ran")).toBe("");
  });

  test("a server with patterns, the lines that fit one; a step's variables are part of its line", async () => {
    const fixture = await openCommandFixture({ allow: ["touch *", "MODE=safe ./go *"] });
    const { run, warnings } = await fixture.start([
      { key: "a", run: "touch fits" },
      { key: "b", run: "touch fits; touch chained" },
      { key: "c", run: "touch fits-too", env: { PATH: "/tmp" } },
      { key: "d", run: "rm -rf ." },
    ]);
    expect(warnings).toEqual([expect.stringMatching(/^3 command steps wait: no allow pattern .* "touch fits; touch/)]);
    await until("a has run", async () => (await fixture.task(run, "a")).task.status === "succeeded");
    for (const key of ["b", "c", "d"]) {
      expect((await fixture.task(run, key)).task.status).toBe("ready");
      expect(await fixture.reasons(run, key)).toMatchObject([
        { kind: "commands_not_allowed", detail: expect.stringContaining("no allow pattern of a running server") },
      ]);
    }
    expect(["chained", "fits-too"].map((name) => fixture.file(name))).toEqual([undefined, undefined]);
    // A server that allows more has the rest.
    const other = await openCommandFixture({
      ...besides(fixture),
      cwd: fixture.app.cwd,
      allow: ["touch fits; touch chained"],
    });
    await until("b has run", async () => (await fixture.task(run, "b")).task.status === "succeeded");
    expect((await other.task(run, "d")).task.status).toBe("ready");
  });

  test("a variable's value never stands for a part of the command", async () => {
    const fixture = await openCommandFixture({ allow: ["CI=1 npm run *", "CI=* npm test"] });
    const { run } = await fixture.start([
      { key: "a", run: "touch pwned", env: { CI: "1 npm run" } },
      { key: "b", run: "touch pwned npm test" },
    ]);
    for (const key of ["a", "b"])
      expect(await fixture.reasons(run, key)).toMatchObject([{ kind: "commands_not_allowed" }]);
    await fixture.app.advance(60_000);
    expect(fixture.file("pwned")).toBeUndefined();
  });

  test("a process may be bound to directories: no command runs and no project is made elsewhere", async () => {
    const root = temporaryDirectory();
    const here = { env: { BATON_ALLOWED_ROOTS: root } };
    await expect(openCommandFixture(here)).rejects.toMatchObject({ code: "not_permitted" });
    const inside = await openCommandFixture({ ...here, cwd: root });
    const done = await inside.start([{ key: "a", run: "touch ran" }]);
    expect(await inside.ended(done.run)).toBe("succeeded");

    const outside = await openCommandFixture({ ...besides(inside), allow: false, project: "outside" });
    const { run } = await outside.start([{ key: "a", run: "touch ran" }], { project: "outside" });
    await inside.app.advance(60_000);
    expect(await outside.reasons(run)).toMatchObject([{ kind: "commands_not_allowed" }]);
    expect(outside.file("ran")).toBeUndefined();
  });

  test("a pattern may be bound to directories", async () => {
    const root = temporaryDirectory();
    const allow = [{ pattern: "touch *", roots: [root] }];
    const fixture = await openCommandFixture({ allow });
    const { run } = await fixture.start([{ key: "a", run: "touch ran" }]);
    expect(await fixture.reasons(run)).toMatchObject([{ kind: "commands_not_allowed" }]);
    const bound = await openCommandFixture({ ...besides(fixture), cwd: root, project: "bound", allow });
    const other = await bound.start([{ key: "a", run: "touch ran" }], { project: "bound" });
    expect(await bound.ended(other.run)).toBe("succeeded");
    expect(fixture.file("ran")).toBeUndefined();
  });

  test("no tool and no file of a project changes that", async () => {
    const fixture = await openCommandFixture({ allow: false });
    const setting = { settings: { allow_commands: true } };
    await expect(fixture.app.call("configure", setting)).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("where a command may run", () => {
  test("not in a project without files: that can never be, so nothing starts, and an added task says so", async () => {
    const fixture = await openCommandFixture();
    const outside = await startApp(besides(fixture));
    const step = { key: "a", kind: "command", run: "touch ran" };
    const undone = { key: "b", prompt: "x", compensate: { kind: "command", run: "touch ran" } };
    for (const one of [step, undone]) {
      const definition = { name: "x", steps: [one] };
      await expect(outside.call("execute_workflow", { definition })).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringContaining("Nothing was started: make a project here"),
      });
      expect((await outside.call("validate_workflow", { definition })).warnings).toEqual([
        expect.stringContaining("1 command steps have no directory"),
      ]);
    }
    expect((await outside.call("list_runs", {})).runs).toEqual([]);
    const { run } = await outside.call("execute_workflow", {
      definition: { name: "x", steps: [{ key: "w", prompt: "x" }] },
    });
    const { id } = run;
    await outside.call("modify_run", { run: id, changes: [{ op: "add_task", step }] });
    await until("it has failed", async () => (await fixture.task(id)).attempts.length > 0);
    expect((await fixture.task(id)).attempts).toMatchObject([{ outcome: "failed", error: { type: "no_root" } }]);
  });

  test("not where its root is missing: it waits until that is back", async () => {
    const root = path.join(temporaryDirectory(), "root");
    mkdirSync(root);
    const fixture = await openCommandFixture();
    await fixture.app.call("create_project", { name: "moved", root });
    renameSync(root, `${root}-away`);
    const { run } = await fixture.start([{ key: "a", run: "touch ran" }], { project: "moved" });
    const [reason] = await until("the executor has looked", async () => {
      const reasons = await fixture.reasons(run);
      return reasons.length > 0 && reasons;
    });
    expect(reason).toMatchObject({ kind: "root_missing", detail: expect.stringContaining(root) });
    expect((await fixture.task(run)).task).toMatchObject({ status: "ready", failures: 0 });
    renameSync(`${root}-away`, root);
    await fixture.app.advance(1_000);
    expect(await fixture.ended(run)).toBe("succeeded");
    expect((await fixture.task(run)).attempts).toHaveLength(1);
  });

  test("not in a project that was archived while it waited", async () => {
    const fixture = await openCommandFixture({ allow: false });
    const { run } = await fixture.start([{ key: "a", run: "touch ran" }]);
    await fixture.app.call("archive_project", { project: "here", force: true });
    const other = await openCommandFixture({ ...besides(fixture), project: "elsewhere" });
    const last = await other.start([{ key: "a", run: "true" }], { project: "elsewhere" });
    expect(await other.ended(last.run)).toBe("succeeded");
    expect(fixture.file("ran")).toBeUndefined();
    expect((await other.task(run)).task.status).toBe("cancelled");
  });
});

test("a server that only waits for commands is known as one and has registered no agent", async () => {
  const waiting = await startApp({ env: { BATON_ALLOW_COMMANDS: "true" } });
  await waiting.app.standBy("test");
  expect(await waiting.call("list_agents")).toMatchObject({ agents: [] });
  expect(await waiting.call("get_system_status")).toMatchObject({ sessions: { open: 1, executors: 1 } });
});

test("a claim whose answer was lost is given back, and another one is made", async () => {
  let struck = 0;
  let claiming = false;
  const hooks: StoreHooks = {
    fault({ statement }) {
      if (statement !== "COMMIT") {
        if (statement[0].includes("task.claimed") || (statement[1] ?? []).includes("task.claimed")) claiming = true;
        return undefined;
      }
      if (!claiming) return undefined;
      claiming = false;
      struck += 1;
      return struck === 1 ? "lose_answer" : undefined;
    },
  };
  const fixture = await openCommandFixture({ storeHooks: hooks });
  const { run } = await fixture.start([
    { key: "a", run: "echo a >> log" },
    { key: "b", run: "echo b >> log" },
  ]);
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(struck).toBeGreaterThanOrEqual(3);
  expect((fixture.file("log") ?? "").split("\n").sort()).toEqual(["", "a", "b"]);
  const outcomes = [...(await fixture.task(run, "a")).attempts, ...(await fixture.task(run, "b")).attempts];
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(["released", "succeeded", "succeeded"]);
});
