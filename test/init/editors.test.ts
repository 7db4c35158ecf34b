import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { batonCommand } from "../../src/init/baton-command.js";
import { CLIENTS } from "../../src/init/clients/catalogue.js";

const PROGRAM = "/b/dist/main.js";
const command = {
  ...batonCommand(import.meta.filename, { PATH: "" }),
  words: ["node", PROGRAM] as const,
  program: PROGRAM,
};
const files = CLIENTS.flatMap((client) => client.files({ root: "/r", home: "/h", env: {}, command, chosen: [] }));
const jsonFiles = files.filter(({ file }) => file.endsWith(".json"));
const others = { PreToolUse: {}, preToolUse: {}, BeforeTool: {} };
const python = { baton: { command: "python", args: ["other.py"] } };

describe("a client's file", () => {
  test.each(files)("$file is refused where it is broken or nested too deeply", ({ file, editor }) => {
    const broken = file.endsWith(".toml")
      ? ["a = [", "a = 1\na = 2", `a = ${"[".repeat(100_000)}`]
      : ['{"a": 1', '{"a" 1}'];
    for (const text of broken) expect(() => editor.edit(text)).toThrow(/^it is no (?:JSON|TOML) at line [12]$/);
  });

  test.each(jsonFiles)("$file is refused where it has another shape, version or server of that name", ({ editor }) => {
    expect(() => editor.edit("[]")).toThrow("it holds no object");
    expect(() => editor.edit('"text"')).toThrow("it holds no object");
    expect(() => editor.edit(`{"a": ${"[".repeat(100_000)}`)).toThrow("it is nested too deeply");
    expect(() => editor.edit('{"a": {"b": 1, "b": 2}}')).toThrow('its key "b" stands twice in one object');
    const shape = JSON.stringify({ version: 1, hooks: others, mcpServers: [], servers: null });
    expect(() => editor.edit(shape)).toThrow(/is no (?:object|list: it is of another version)$/);
    const foreign = JSON.stringify({ version: 2, hooks: 1, mcpServers: python, servers: python });
    expect(() => editor.edit(foreign)).toThrow(
      /another program$|^its "version" is 2 and not 1$|^its "hooks" is no object$/,
    );
  });

  test.each([
    "mcp_servers = {}",
    "mcp_servers = []",
    '[mcp_servers.baton]\ncommand = "python"',
    'a = """\n[b\n"""\n[mcp_servers]\nbaton = 1',
  ])("of TOML is refused where a table would not fit: %s", (text) => {
    const editor = files.find(({ file }) => file.endsWith(".toml"))?.editor;
    expect(() => editor?.edit(text)).toThrow(/takes no table$|is no table$|is another program$/);
  });

  test("has comments where its client reads them, and is refused with them where it does not", () => {
    const verdicts = jsonFiles.map(({ file, editor }) => {
      try {
        return [file, editor.edit("{\n  // mine\n}\n").includes("// mine")];
      } catch (error) {
        return [file, String(error).includes("strict JSON")];
      }
    });
    expect(verdicts.every(([, verdict]) => verdict)).toBe(true);
    const refusing = jsonFiles.filter(({ editor }) => throws(() => editor.edit("{} // mine"))).map(({ file }) => file);
    expect(refusing).toEqual([
      ".mcp.json",
      ".claude/settings.local.json",
      ".github/hooks/baton.json",
      ".codex/hooks.json",
    ]);
  });
});

test("hooks of clients let work go on where Baton is gone: code 0, or one that denies nothing in Cursor", () => {
  const commands = jsonFiles.flatMap(({ file, editor }) =>
    [...editor.snippet.matchAll(/"(?:command|bash)": ("[^\n]* guard [^\n]*"),?\n/g)].map(([, line]) => [
      file,
      JSON.parse(line ?? ""),
    ]),
  );
  const codes = commands.map(([file, line]) => [
    file,
    spawnSync("/bin/sh", ["-c", String(line)], { env: { PATH: "/nowhere" } }).status,
  ]);
  expect(Object.fromEntries(codes)).toEqual({
    ".claude/settings.local.json": 0,
    ".cursor/hooks.json": 127,
    ".github/hooks/baton.json": 0,
    ".codex/hooks.json": 0,
    ".gemini/settings.json": 0,
  });
});

function throws(act: () => unknown): boolean {
  try {
    act();
    return false;
  } catch {
    return true;
  }
}
