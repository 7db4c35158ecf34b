import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { clientFindings } from "../../src/cli/clients.js";
import {
  ALL_CLIENTS,
  initRepository,
  type InitRepository,
  PROGRAM,
  TOML_FILE,
} from "../support/fixtures/init-repository.js";
import { baton } from "../support/servers/in-process.js";

const ALL = ["--yes", "--client", ...ALL_CLIENTS];
const EDIT = path.resolve(import.meta.dirname, "../data/hooks/claude-code/PreToolUse.Edit.json");

const serverFile = (key: string, args: readonly string[], env: object = {}): string =>
  JSON.stringify({ [key]: { baton: { command: "node", args: [PROGRAM, ...args], env } } });

/** Runs a line of a hook as its client does. */
function hook({ fixture }: InitRepository, line: string, input = "") {
  const { BATON_DB: _, ...env } = fixture.env;
  return spawnSync("sh", ["-c", line], { cwd: fixture.cwd, env, input, encoding: "utf8" });
}

function findings({ fixture }: InitRepository): string[] {
  return clientFindings({ ...fixture, program: PROGRAM }).flatMap(({ check, verdict, says }) =>
    /^(?:hooks|databases)/.test(check) ? `${verdict} ${check}: ${says}` : [],
  );
}

describe("a server with a database of its own", () => {
  test("has its client's and git's hooks ask that one, and other clients start their server on it", async () => {
    const place = initRepository();
    place.write(".mcp.json", serverFile("mcpServers", ["--db", "./tasks of us.db"]));
    const file = path.join(place.fixture.cwd, "tasks of us.db");
    await place.init(...ALL);
    expect(place.read(TOML_FILE)).toContain(`args = ["${PROGRAM}", "--db", "${file}"]`);
    expect(JSON.parse(place.read(".cursor/mcp.json"))).toMatchObject({
      mcpServers: { baton: { args: ["-c", expect.stringMatching(/ "\$@"$/), "${workspaceFolder}", "--db", file] } },
    });
    expect((await place.init(...ALL)).files.every(({ kind }) => kind === "unchanged")).toBe(true);
    expect(findings(place).every((finding) => finding.startsWith("ok hooks"))).toBe(true);

    const lock = ["--db", file, "call", "acquire_file_lock", "--paths", '["a.ts"]'];
    const zoe = { ...place.fixture.env, BATON_AGENT: "zoe" };
    place.write("a.ts", "a\n");
    expect(spawnSync(process.execPath, [PROGRAM, ...lock], { cwd: place.fixture.cwd, env: zoe }).status).toBe(0);
    const { hooks } = JSON.parse(place.read(".claude/settings.local.json")) as {
      hooks: Record<string, { hooks: { command: string }[] }[]>;
    };
    const line = hooks["PreToolUse"]?.[0]?.hooks[0]?.command ?? "";
    const cwd = realpathSync(place.fixture.cwd);
    const document = JSON.parse(readFileSync(EDIT, "utf8")) as object;
    const tool_input = { file_path: path.join(cwd, "a.ts"), old_string: "a", new_string: "b" };
    expect(hook(place, line, JSON.stringify({ ...document, cwd, tool_input })).stdout).toContain("a.ts is held by zoe");
    place.git("add", "a.ts");
    expect(hook(place, "sh .git/hooks/pre-commit")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("a.ts is held by zoe"),
    });

    place.write(".mcp.json", serverFile("mcpServers", ["--db", "other.db"]));
    expect(findings(place)).toContainEqual(
      "warn hooks Claude Code: .claude/settings.local.json calls another Baton, or on another database",
    );
  });

  test("that hooks cannot be given is named, without the password of an address", async () => {
    const place = initRepository();
    place.write(".mcp.json", serverFile("mcpServers", ["--database-url", "postgres://me:s3cret@db/tasks"]));
    place.write(".vscode/mcp.json", serverFile("servers", [], { BATON_DB: "${input:database}" }));
    const { stdout } = await baton(place.fixture, ["init", "--yes", "--client", "claude-code", "codex"]);
    for (const file of [".mcp.json", ".vscode/mcp.json"])
      expect(stdout).toContain(
        `${path.join(place.fixture.cwd, file)} gives its server a database that hooks cannot be given: name it as`,
      );
    expect(stdout).not.toContain("s3cret");
    expect(place.read(TOML_FILE)).toContain(`args = ["${PROGRAM}"]`);
  });

  test("that another client's server does not share is named in init and doctor, and each client's hooks ask their own", async () => {
    const place = initRepository();
    const file = path.join(place.fixture.cwd, "one.db");
    place.write(".mcp.json", serverFile("mcpServers", [], { BATON_DB: file }));
    place.write(".gemini/settings.json", serverFile("mcpServers", []));
    const { stdout } = await baton(place.fixture, ["init", ...ALL]);
    const each = `${path.join(place.fixture.cwd, ".mcp.json")}: ${file}; ${path.join(place.fixture.cwd, ".gemini/settings.json")}: the default`;
    expect(stdout).toContain(`agents do not see each other's locks (${each})`);
    expect(findings(place)).toContainEqual(expect.stringContaining(`warn databases: The servers here use several`));
    expect(place.read(".claude/settings.local.json")).toContain(`guard claude-code --db ${file}`);
    for (const other of [".gemini/settings.json", ".git/hooks/pre-commit"])
      expect(place.read(other)).not.toContain("--db");
  });
});
