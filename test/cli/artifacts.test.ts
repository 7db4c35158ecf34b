import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";

/** Larger than rows hold, and no text. */
const PICTURE = Buffer.alloc(150_000, 7);
PICTURE[3] = 0;

function start() {
  const fixture = startCommandLineFixture();
  const file = (name: string) => path.join(fixture.cwd, name);
  writeFileSync(file("odd.md"), "a\r\n\u202Eb\n");
  writeFileSync(file("picture.png"), PICTURE);
  return { fixture, file };
}

describe("baton artifacts", () => {
  test("stores, lists and gives back files byte for byte", async () => {
    const { fixture, file } = start();
    expect((await baton(fixture, ["artifacts"])).stdout).toContain("no artifacts");
    expect((await baton(fixture, ["artifacts", "put", "notes.md", "odd.md"])).stdout).toContain("version 1 stored");
    expect((await baton(fixture, ["artifacts", "put", "notes.md", "odd.md"])).stdout).toContain("is there already");
    await baton(fixture, ["artifacts", "put", "picture.png", "picture.png"]);
    expect((await baton(fixture, ["artifacts"])).stdout).toMatch(/picture\.png +1 +image[\s\S]*notes\.md +1 +markdown/);
    expect((await baton(fixture, ["artifacts", "get", "notes.md"])).stdout).toBe("a\r\n\u202Eb\n");
    expect((await baton(fixture, ["artifacts", "get", "picture.png", "--out", "copy.png"])).code).toBe(0);
    expect(readFileSync(file("copy.png")).equals(PICTURE)).toBe(true);

    const again = await baton(fixture, ["artifacts", "get", "picture.png", "--out", "copy.png"]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining("exists already") });
    const shown = await baton(fixture, ["artifacts", "get", "picture.png"]);
    expect(shown).toMatchObject({ code: 2, stderr: expect.stringContaining("--out FILE") });
    const none = await baton(fixture, ["artifacts", "put", "a", "none.md"]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("ENOENT") });
  });

  test("come along in a backup as one file, and go with a reset", async () => {
    const { fixture, file } = start();
    await baton(fixture, ["artifacts", "put", "picture.png", "picture.png"]);
    const beside = `${fixture.database}-artifacts`;
    expect(readdirSync(beside)).toHaveLength(1);
    expect((await baton(fixture, ["backup", "copy.db"])).code).toBe(0);
    expect(readdirSync(fixture.cwd).filter((name) => name.startsWith("copy"))).toEqual(["copy.db"]);

    expect((await baton(fixture, ["reset", "--yes"])).stdout).toContain(beside);
    expect(existsSync(beside)).toBe(false);
    const copy = { ...fixture, env: { ...fixture.env, BATON_DB: file("copy.db") } };
    const { artifacts } = resultOf("list_artifacts", await batonJson(copy, ["call", "list_artifacts", "--limit", "5"]));
    expect(artifacts).toMatchObject([{ name: "picture.png", bytes: PICTURE.length }]);
    await baton(copy, ["artifacts", "get", artifacts[0]!.id, "--out", "restored.png"]);
    expect(readFileSync(file("restored.png")).equals(PICTURE)).toBe(true);
  });
});
