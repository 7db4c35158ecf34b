import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type CommandLineFixture, startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

const ALL = ["claude-code", "cursor", "vscode", "codex", "gemini"];
const PROGRAM = path.resolve(import.meta.dirname, "../../dist/main.js");
const answer = z.object({
  applied: z.boolean(),
  files: z.array(
    z.object({
      file: z.string(),
      kind: z.string(),
      why: z.string().optional(),
      snippet: z.string().optional(),
      tracked: z.boolean(),
      diff: z.string().optional(),
    }),
  ),
});

interface Repository {
  readonly fixture: CommandLineFixture;
  readonly at: (file: string) => string;
  readonly write: (file: string, content: string | Buffer) => void;
  readonly read: (file: string) => string;
  readonly git: (...args: string[]) => string;
  readonly init: (...args: string[]) => Promise<z.output<typeof answer>>;
}

function repository(): Repository {
  const fixture = startCommandLineFixture();
  const at = (file: string): string => path.join(fixture.cwd, file);
  const git = (...args: string[]): string =>
    execFileSync("git", args, {
      cwd: fixture.cwd,
      env: fixture.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  git("init", "-q");
  return {
    fixture,
    at,
    git,
    write: (file, content) => {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), content);
    },
    read: (file) => readFileSync(at(file), "utf8"),
    init: async (...args) => answer.parse(await batonJson(fixture, ["init", ...args])),
  };
}

/** Every file of the repository outside of git's objects, with its bytes and mode. */
function everything({ fixture, at }: Repository): Record<string, string> {
  const listed = execFileSync(
    "find",
    [".", "-type", "f", "-not", "-path", "./.git/objects/*", "-not", "-name", "index"],
    {
      cwd: fixture.cwd,
      encoding: "utf8",
    },
  );
  const files = listed.trim().split("\n").toSorted();
  return Object.fromEntries(
    files.map((file) => [file, `${statSync(at(file)).mode} ${readFileSync(at(file), "base64")}`]),
  );
}

describe("a repository without settings", () => {
  test("gets the files of each client, git's hook and the instructions, and loses them by --undo", async () => {
    const place = repository();
    const before = everything(place);
    const { applied, files } = await place.init("--yes", "--client", ...ALL);
    expect(applied).toBe(true);
    expect(files.map(({ file, kind }) => `${kind} ${file}`)).toEqual([
      "create .mcp.json",
      "create .claude/settings.local.json",
      "create .cursor/mcp.json",
      "create .cursor/hooks.json",
      "create .vscode/mcp.json",
      "create .codex/config.toml",
      "create .codex/hooks.json",
      "create .gemini/settings.json",
      "create AGENTS.md",
      "create .git/hooks/pre-commit",
      "update .git/info/exclude",
    ]);
    expect(JSON.parse(place.read(".mcp.json"))).toEqual({
      mcpServers: { baton: { command: "node", args: [PROGRAM] } },
    });
    expect(place.git("status", "--short")).toBe("");
    expect((await place.init("--yes", "--client", ...ALL)).files.every(({ kind }) => kind === "unchanged")).toBe(true);
    await place.init("--undo", "--yes");
    expect(everything(place)).toEqual(before);
    expect(existsSync(place.at(".claude"))).toBe(false);
  });

  test("is not written to without a terminal or --yes, and the answer says what would be", async () => {
    const place = repository();
    const before = everything(place);
    const { stdout, code } = await baton(place.fixture, ["init", "--client", "codex"]);
    expect(code).toBe(0);
    expect(stdout).toContain("+[mcp_servers.baton]");
    expect(stdout).toMatch(/Nothing is written yet\. To write it: .* init --client codex --yes\n$/);
    expect(everything(place)).toEqual(before);
  });
});
