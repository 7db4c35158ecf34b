import { execFileSync } from "node:child_process";
import { writeFileSync, existsSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import type { Checks } from "./checks.js";

/** The commands of the founding documents, as typed. */
export const commandLine: Checks = {
  "3.54 3.55 3.57 3.58 3.59 3.60 3.29": async () => {
    const fixture = startCommandLineFixture();
    const made = await batonJson(fixture, ["project", "create", "shop", "--template", "web-application"]);
    expect(made).toMatchObject({ project: { name: "shop", root: expect.stringMatching(/\/shop$/) as string } });
    expect(existsSync(path.join(fixture.cwd, "shop/README.md"))).toBe(true);
    const there = { ...fixture, cwd: path.join(fixture.cwd, "shop") };
    expect(await batonJson(there, ["workflow", "create", "pipe", "--template", "linear-pipeline"])).toMatchObject({
      workflow: { name: "pipe" },
      created: true,
    });
    for (const words of ["workflow list", "project list", "orchestration status", "orchestration health"])
      expect([words, (await baton(there, words.split(" "))).code]).toEqual([words, 0]);
    expect((await batonJson(there, ["workflow", "list"]))["workflows"]).toContainEqual(
      expect.objectContaining({ name: "pipe" }),
    );
  },
  "0.59 3.56 3.67 3.76": async () => {
    const fixture = startCommandLineFixture();
    execFileSync("git", ["init", "--quiet", fixture.cwd]);
    const file = path.join(fixture.cwd, "ok.yaml");
    writeFileSync(file, "name: ok\nsteps:\n  - key: a\n    kind: command\n    run: echo 1\n");
    const run = await baton(fixture, ["run", file, "--allow-commands", "--json"]);
    expect([run.code, JSON.parse(run.stdout)]).toEqual([0, expect.objectContaining({})]);
    expect((await baton(fixture, ["run", path.join(fixture.cwd, "none.yaml")])).code).toBe(2);
  },
};
