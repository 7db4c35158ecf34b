import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { catalogue } from "../../src/tools/registry.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { startApp } from "../support/servers/app.js";
import { baton } from "../support/servers/in-process.js";
import { startCommandLineFixture } from "../support/servers/command-line.js";

/** Every file and directory below one, by name. */
const listing = (directory: string) => readdirSync(directory, { recursive: true });

describe("a query makes nothing", () => {
  test.each([
    ["status"],
    ["orchestration", "status"],
    ["orchestration", "health"],
    ["workflow", "list"],
    ["project", "list"],
    ["dead-letters", "list"],
    ["call", "list_tasks"],
    ["doctor"],
  ])("baton %s %s", async (...args) => {
    const fixture = startCommandLineFixture();
    const { code, stderr } = await baton(fixture, args.filter(Boolean));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(listing(path.dirname(fixture.database))).toEqual([]);
  });

  test("nor at a place that was named and has no directory, which is refused with what to do", async () => {
    const home = temporaryDirectory();
    const fixture = startCommandLineFixture({ database: path.join(home, "nope/dir/x.db") });
    for (const args of [["status"], ["call", "create_task", "--title", "a", "--prompt", "b"]]) {
      const { code, stderr } = await baton(fixture, args);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`there is no directory ${path.join(home, "nope/dir")}`);
    }
    expect(listing(home)).toEqual([]);
  });

  test("at the default place directories come with the first write", async () => {
    const fixture = startCommandLineFixture({ env: { BATON_DB: "" } });
    const data = fixture.env["XDG_DATA_HOME"] ?? "";
    expect((await baton(fixture, ["status"])).code).toBe(0);
    expect(listing(data)).toEqual([]);
    expect((await baton(fixture, ["call", "create_task", "--title", "a", "--prompt", "b"])).code).toBe(0);
    expect(listing(data)).toContain(path.join("baton", "baton.db"));
  });

  test("of every reading operation", async () => {
    const directory = temporaryDirectory();
    mkdirSync(path.join(directory, "cwd"));
    const app = await startApp({ database: path.join(directory, "baton.db"), cwd: path.join(directory, "cwd") });
    const ids = { run: "run_0000000000000000", task: "task_0000000000000000", checkpoint: "ckpt_0000000000000000" };
    const given = { ...ids, id: "x", name: "x", project: "x", agent: "x", workflow: "x", query: "x", path: "x" };
    for (const { name, effect, input } of catalogue.all.filter((one) => one.effect === "read")) {
      const known = Object.fromEntries(Object.entries(given).filter(([key]) => key in input.shape));
      // Most refuse what is not there; none may make it.
      for (const args of [{}, known]) await app.callUnchecked(name, args).catch(() => undefined);
      expect([name, effect, listing(directory)]).toEqual([name, "read", ["cwd"]]);
    }
  });
});
