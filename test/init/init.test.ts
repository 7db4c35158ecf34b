import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { clientFindings } from "../../src/cli/clients.js";
import {
  ALL_CLIENTS,
  everything,
  initRepository,
  type InitRepository,
  JSON_FILES,
  PROGRAM,
  TOML_FILE,
} from "../support/fixtures/init-repository.js";
import { temporaryDirectory } from "../support/databases/databases.js";
import { personAt } from "../support/servers/at-terminal.js";
import { startOnTerminal } from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

const ALL = ["--yes", "--client", ...ALL_CLIENTS];

const HOOK_FILES = [".claude/settings.local.json", ".cursor/hooks.json", ".codex/hooks.json", ".gemini/settings.json"];

/** The matchers of each event that a file of hooks names. */
function matchersIn(place: InitRepository, file: string): Record<string, (string | undefined)[]> {
  const { hooks } = JSON.parse(place.read(file)) as { hooks: Record<string, { matcher?: string }[]> };
  return Object.fromEntries(Object.entries(hooks).map(([event, groups]) => [event, groups.map((one) => one.matcher)]));
}

const HOOKS = [".git/hooks/pre-commit", ".git/hooks/post-commit"];

describe("a repository without settings", () => {
  test("gets the files of each client, git's hook and the instructions, and loses them by --undo", async () => {
    const place = initRepository();
    const before = everything(place);
    const { applied, files } = await place.init(...ALL);
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
      "create .git/hooks/post-commit",
      "create .git/info/exclude",
    ]);
    expect(JSON.parse(place.read(".mcp.json"))).toEqual({
      mcpServers: { baton: { command: "node", args: [PROGRAM] } },
    });
    expect(HOOK_FILES.map((file) => [file, matchersIn(place, file)])).toEqual([
      [
        ".claude/settings.local.json",
        {
          PreToolUse: ["Edit|MultiEdit|Write|NotebookEdit|Bash|PowerShell"],
          SessionStart: ["startup|resume|clear|compact|fork"],
          Stop: [undefined],
        },
      ],
      [
        ".cursor/hooks.json",
        {
          preToolUse: ["Write|Delete"],
          beforeShellExecution: [undefined],
          sessionStart: [undefined],
          stop: [undefined],
        },
      ],
      [
        ".codex/hooks.json",
        { PreToolUse: ["Bash|apply_patch"], SessionStart: ["startup|resume|clear|compact"], Stop: [undefined] },
      ],
      [
        ".gemini/settings.json",
        { BeforeTool: ["write_file|replace|run_shell_command"], SessionStart: [undefined], AfterAgent: [undefined] },
      ],
    ]);
    expect(place.git("status", "--short")).toBe("");
    expect((await place.init(...ALL)).files.every(({ kind }) => kind === "unchanged")).toBe(true);
    await place.init("--undo", "--yes");
    expect(everything(place)).toEqual(before);
    expect(existsSync(place.at(".claude"))).toBe(false);
  });

  test("has hooks that call a tool where a person asks for them, until they ask for commands again", async () => {
    const place = initRepository();
    const before = everything(place);
    const clients = ["--client", "claude-code", "vscode", "--yes"];
    await place.init(...clients, "--hooks", "mcp");
    type Written = Record<string, [{ hooks: [Record<string, unknown>] }]>;
    const hooks = () => (JSON.parse(place.read(".claude/settings.local.json")) as { hooks: Written }).hooks;
    const kinds = () => Object.entries(hooks()).map(([event, [group]]) => [event, group.hooks[0]["type"]]);
    const mixed = [
      ["PreToolUse", "mcp_tool"],
      ["SessionStart", "command"],
      ["Stop", "mcp_tool"],
    ];
    expect(kinds()).toEqual(mixed);
    expect(hooks()["PreToolUse"]?.[0].hooks[0]).toMatchObject({ server: "baton", tool: "guard" });
    expect(JSON.stringify(hooks()["PreToolUse"])).toContain('"file_path":"${tool_input.file_path}"');
    // VS Code runs no such hooks of Claude Code's file.
    expect(existsSync(place.at(".github/hooks/baton.json"))).toBe(true);
    expect((await place.init(...clients)).files.every(({ kind }) => kind === "unchanged")).toBe(true);
    expect(hookVerdicts(place).every((verdict) => verdict === "ok")).toBe(true);
    await place.init(...clients, "--hooks", "command");
    expect(kinds().map(([, kind]) => kind)).toEqual(["command", "command", "command"]);
    await place.init(...clients, "--hooks", "mcp");
    await place.init("--undo", "--yes");
    expect(everything(place)).toEqual(before);
  });

  test("is not written to without a terminal or --yes, and the answer says what would be", async () => {
    const place = initRepository();
    const before = everything(place);
    const { stdout, code } = await baton(place.fixture, ["init", "--client", "codex"]);
    expect(code).toBe(0);
    expect(stdout).toContain("+[mcp_servers.baton]");
    expect(stdout).toMatch(/Nothing is written yet\. To write it: .* init --client codex --yes\n$/);
    expect(everything(place)).toEqual(before);
  });

  test("is written to where the person at a terminal says yes, and by no other answer", async () => {
    const answers = await Promise.all(
      ["y", "no"].map(async (typed) => {
        const place = initRepository();
        const started = startOnTerminal(place.fixture, ["init", "--client", "codex"], { columns: 100, rows: 30 });
        await personAt(started)("Write this? [y/N]", typed);
        const { stdout } = await started.ended;
        return [
          existsSync(place.at(TOML_FILE)),
          stdout.includes("Nothing was written."),
          stdout.includes("type /hooks"),
          /git does not show \.codex\/config\.toml, .*AGENTS\.md \(\.git\/info\/exclude\)/s.test(stdout),
        ];
      }),
    );
    expect(answers).toEqual([
      [true, false, true, true],
      [false, true, false, false],
    ]);
  });

  test("has the clients set up that leave a trace in it or at home", async () => {
    const place = initRepository();
    place.write("GEMINI.md", "");
    mkdirSync(path.join(place.fixture.env["HOME"] ?? "", ".codex"));
    const { stdout } = await baton({ ...place.fixture, env: { ...place.fixture.env, PATH: "/usr/bin:/bin" } }, [
      "init",
    ]);
    expect(stdout).toContain("Codex: ~/.codex is there\nGemini CLI: GEMINI.md is in the repository\n\n");
    expect(stdout).not.toContain(".cursor");
  });

  test("needs no server of its own where the person's own file starts Baton everywhere", async () => {
    const place = initRepository();
    const own = path.join(place.fixture.env["HOME"] ?? "", ".claude.json");
    writeFileSync(own, JSON.stringify({ mcpServers: { baton: { command: "node", args: [PROGRAM] } } }));
    const { files } = await place.init("--yes", "--client", "claude-code");
    expect(files[0]).toMatchObject({ file: ".mcp.json", kind: "covered", why: expect.stringContaining(own) });
    expect(existsSync(place.at(".mcp.json"))).toBe(false);
  });
});

describe("files that are there", () => {
  const MERGED = {
    ".mcp.json": '{"mcpServers": {"mine": {"command": "x"}}}',
    ".claude/settings.local.json": '{\r\n\t"hooks": {\r\n\t\t"Stop": [{"hooks": []}]\r\n\t}\r\n}',
    ".cursor/mcp.json": '\uFEFF// servers\n{\n    "mcpServers": {\n        // none yet\n    },\n}\n',
    ".cursor/hooks.json": '{ "version": 1, "hooks": {} }\n',
    ".vscode/mcp.json": '{\r\n  "inputs": [], // none\r\n  "servers": {}\r\n}\r\n',
    ".codex/hooks.json": "",
    ".gemini/settings.json": '/* mine */ {"theme": "x"}',
    [TOML_FILE]: '\uFEFFmodel = "x" # mine\r\n[mcp_servers.other]\r\ncommand = "y"',
    "AGENTS.md": "# Rules\r\n\r\nNone",
    ".git/hooks/pre-commit": "#!/usr/bin/env bash\nset -e\nexec npm test\n",
    ".git/hooks/post-commit": "#!/bin/sh\nexit 0\n",
  };

  test("keep all that they say, are tracked as before, and come back byte for byte", async () => {
    const place = initRepository();
    for (const [file, text] of Object.entries(MERGED)) place.write(file, text);
    for (const hook of HOOKS) chmodSync(place.at(hook), 0o755);
    place.git("add", "AGENTS.md", ".vscode");
    const before = everything(place);
    const { files } = await place.init(...ALL);
    expect(files.map(({ file, kind, tracked }) => [file, kind, tracked])).toEqual([
      ...[".mcp.json", ".claude/settings.local.json", ".cursor/mcp.json", ".cursor/hooks.json"].map((file) => [
        file,
        "update",
        false,
      ]),
      [".vscode/mcp.json", "update", true],
      ...[TOML_FILE, ".codex/hooks.json", ".gemini/settings.json"].map((file) => [file, "update", false]),
      ["AGENTS.md", "update", true],
      ...HOOKS.map((file) => [file, "update", false]),
    ]);
    expect(place.read(".mcp.json")).toBe(
      `{"mcpServers": {"mine": {"command": "x"}, "baton": {"command":"node","args":["${PROGRAM}"]}}}`,
    );
    expect(
      place
        .read(".cursor/mcp.json")
        .startsWith('\uFEFF// servers\n{\n    "mcpServers": {\n        // none yet\n        "baton": {'),
    ).toBe(true);
    expect(
      place.read(TOML_FILE).startsWith(`${MERGED[TOML_FILE]}\r\n\r\n[mcp_servers.baton]\r\ncommand = "node"\r\n`),
    ).toBe(true);
    expect(place.read("AGENTS.md")).toMatch(/^# Rules\r\n\r\nNone\r\n<!-- baton: begin/);
    expect(place.read(".git/hooks/pre-commit")).toMatch(
      /^#!\/usr\/bin\/env bash\n# >>> baton[^]*# <<< baton\nset -e\nexec npm test\n$/,
    );
    expect((await place.init(...ALL)).files.every(({ kind }) => kind === "unchanged")).toBe(true);
    await place.init("--undo", "--yes");
    expect(everything(place)).toEqual(before);
  });

  test("lose Baton's entries alone where they were changed after init", async () => {
    const place = initRepository();
    place.write(".gemini/settings.json", '{\n  "theme": "x"\n}\n');
    await place.init("--yes", "--client", "gemini", "codex");
    const edit = (file: string, from: string, to: string): void =>
      place.write(file, place.read(file).replace(from, to));
    edit(".gemini/settings.json", '"theme": "x",', '"theme": "y", // changed');
    place.write(TOML_FILE, `model = "x"\n${place.read(TOML_FILE)}\n[tui]\nx = 1\n`);
    place.write("AGENTS.md", `# Mine\n${place.read("AGENTS.md")}`);
    const { files } = await place.init("--undo", "--yes");
    expect(files.filter(({ why }) => why !== undefined)).toHaveLength(3);
    expect(files[0]?.why).toBe("it was changed after init: Baton's entries alone are taken out");
    expect(place.read(".gemini/settings.json")).toBe('{\n  "theme": "y" // changed\n}\n');
    expect(place.read(TOML_FILE)).toBe('model = "x"\n[tui]\nx = 1\n');
    expect(place.read("AGENTS.md")).toBe("# Mine\n");
    expect(existsSync(place.at(".codex/hooks.json"))).toBe(false);
    expect((await place.init("--undo", "--yes")).files).toEqual([]);
  });

  test("start the Baton that is here after it was moved, with the flags and variables that a person added", async () => {
    const place = initRepository();
    await place.init(...ALL);
    for (const file of [...JSON_FILES, TOML_FILE, ...HOOKS])
      place.write(file, place.read(file).replaceAll(path.dirname(PROGRAM), "/old/dist"));
    const moved = place
      .read(".mcp.json")
      .replace('main.js"', 'main.js", "--toolsets", "all"')
      .replace('"command"', '"env": {"A": "1"}, "command"');
    place.write(".mcp.json", moved);
    place.write(TOML_FILE, `${place.read(TOML_FILE).replace("]\n", "] # mine\n")}env = { A = "1" }\n`);
    expect(hookVerdicts(place)).toEqual(["warn", "warn", "warn", "warn", "warn", "warn"]);
    const { files } = await place.init(...ALL);
    expect(files.filter(({ kind }) => kind === "update")).toHaveLength(10);
    expect(hookVerdicts(place)).toEqual(["ok", "ok", "ok", "ok", "ok", "ok"]);
    expect(JSON.parse(place.read(".mcp.json"))).toEqual({
      mcpServers: { baton: { env: { A: "1" }, command: "node", args: [PROGRAM, "--toolsets", "all"] } },
    });
    expect(place.read(TOML_FILE)).toContain(`args = ["${PROGRAM}"]\ntool_timeout_sec = 600\nenv = { A = "1" }\n`);
    for (const file of [...JSON_FILES, TOML_FILE, ...HOOKS]) expect(place.read(file)).not.toContain("/old/");
  });
});

/** Verdicts of `baton doctor` on the hooks of Claude Code, Cursor, Codex, Gemini and git. */
function hookVerdicts({ fixture }: InitRepository): string[] {
  const findings = clientFindings({ ...fixture, program: PROGRAM });
  return findings.filter(({ check }) => check.startsWith("hooks ")).map(({ verdict }) => verdict);
}

describe("files that cannot be merged into", () => {
  test("stay as they are, each with a sentence and the entries to paste, and the others are written", async () => {
    const place = initRepository();
    const outside = temporaryDirectory();
    writeFileSync(path.join(outside, "hooks.json"), "{}");
    place.write(".mcp.json", '{"a": 1');
    place.write(".claude/settings.local.json", Buffer.from('{"a": "\xe9"}', "latin1"));
    place.write(".vscode/mcp.json", `{"a": "${"x".repeat(1_048_577)}"}`);
    mkdirSync(place.at(".cursor/mcp.json"), { recursive: true });
    symlinkSync(path.join(outside, "hooks.json"), place.at(".cursor/hooks.json"));
    place.write(TOML_FILE, Buffer.from("\uFEFFa = 1", "utf16le"));
    place.write(".codex/hooks.json", "{}");
    chmodSync(place.at(".codex/hooks.json"), 0o444);
    mkdirSync(place.at(".gemini"));
    symlinkSync("settings.json", place.at(".gemini/settings.json"));
    const before = everything(place);
    const { files } = await place.init(...ALL);
    const refused = files.filter(({ kind }) => kind === "refused");
    expect(refused.map(({ file, why }) => `${file}: ${why}`)).toEqual([
      ".mcp.json: it is no JSON at line 1",
      expect.stringMatching(/^\.claude\/settings\.local\.json: it, line 1: byte 0xe9 is not UTF-8/),
      ".cursor/mcp.json: it is a directory",
      `.cursor/hooks.json: a symbolic link leads out of the repository, to ${path.join(outside, "hooks.json")}`,
      ".vscode/mcp.json: it has 1048586 bytes, and files up to 1048576 are changed",
      ".codex/config.toml: it is UTF-16: save it as UTF-8.",
      ".codex/hooks.json: it is read-only",
      ".gemini/settings.json: it is a symbolic link that leads round",
    ]);
    for (const { snippet } of refused) expect(snippet).toMatch(/dist\/(?:main\.js|baton\.cjs)/);
    expect(everything(place)).toMatchObject(before);
    expect(readFileSync(path.join(outside, "hooks.json"), "utf8")).toBe("{}");
    expect(existsSync(place.at(".git/hooks/pre-commit"))).toBe(true);
  });

  test("are written through a link that stays in the repository", async () => {
    const place = initRepository();
    place.write("CLAUDE.md", "# Rules\n");
    symlinkSync("CLAUDE.md", place.at("AGENTS.md"));
    await place.init("--yes");
    expect(place.read("CLAUDE.md")).toMatch(/^# Rules\n<!-- baton/);
    expect(lstatSync(place.at("AGENTS.md")).isSymbolicLink()).toBe(true);
    await place.init("--undo", "--yes");
    expect(place.read("CLAUDE.md")).toBe("# Rules\n");
  });

  test("are those of a home directory, which are its person's for every repository, and those of git itself", async () => {
    const place = initRepository();
    const { code, stderr } = await baton({ ...place.fixture, env: { ...place.fixture.env, HOME: place.fixture.cwd } }, [
      "init",
    ]);
    const bare = { ...place.fixture, cwd: place.at(".git") };
    expect((await baton(bare, ["init"])).stderr).toContain(
      "is git's own directory: type `baton init` in a working tree",
    );
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("is no repository: type `baton init` in the directory of one"),
    ]);
  });
});

describe("git's hook", () => {
  const run = ["--yes", "--client", "codex"];
  const hookOf = async (place: InitRepository): Promise<string | undefined> =>
    (await place.init(...run)).files.find(({ file }) => /pre-commit|lefthook/.test(file))?.file;

  test("is where the tool of the repository takes one, whose own files stay", async () => {
    const husky = initRepository();
    husky.git("config", "core.hooksPath", ".husky/_");
    expect(await hookOf(husky)).toBe(".husky/pre-commit");
    const lefthook = initRepository();
    lefthook.write("lefthook.yml", "pre-commit:\n  jobs: []\n");
    expect(await hookOf(lefthook)).toBe("lefthook-local.yml");
    const framework = initRepository();
    framework.write(
      ".git/hooks/pre-commit",
      "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n",
    );
    expect(await hookOf(framework)).toBe(".git/hooks/pre-commit.legacy");
    const own = initRepository();
    own.git("config", "core.hooksPath", "tools/hooks");
    expect(await hookOf(own)).toBe("tools/hooks/pre-commit");
    expect(own.git("status", "--short", "--untracked-files=all")).toBe("");
  });

  test("is left to the person in another language, and where it is one for all repositories", async () => {
    const python = initRepository();
    python.write(".git/hooks/pre-commit", "#!/usr/bin/env python3\n");
    const answer = await python.init(...run);
    expect(answer.files.find(({ file }) => file.includes("pre-commit"))?.why).toBe("it is no shell script");
    const asleep = initRepository();
    asleep.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    chmodSync(asleep.at(".git/hooks/pre-commit"), 0o644);
    const { files: left } = await asleep.init(...run);
    expect(left.find(({ file }) => file.includes("pre-commit"))?.why).toMatch(/^it is not executable/);
    const all = initRepository();
    const elsewhere = temporaryDirectory();
    all.git("config", "core.hooksPath", elsewhere);
    const { files } = await all.init(...run);
    expect(files.find(({ file }) => file.endsWith("pre-commit"))?.why).toBe("it lies outside of the repository");
    expect(existsSync(path.join(elsewhere, "pre-commit"))).toBe(false);
  });

  test("lets a commit pass where its program is gone or fails, and none that it refuses, in a linked working tree too", async () => {
    const place = initRepository();
    place.git("config", "user.name", "a");
    place.git("config", "user.email", "a@example.com");
    await place.init(...run);
    const stub = path.join(temporaryDirectory(), "dist", "baton.cjs");
    for (const hook of HOOKS) place.write(hook, place.read(hook).replaceAll(path.dirname(PROGRAM), path.dirname(stub)));
    const commit = (): string => place.git("commit", "-q", "--allow-empty", "-m", "one");
    commit();
    place.git("worktree", "add", "-q", "linked");
    mkdirSync(path.dirname(stub));
    writeFileSync(stub, "process.exit(2)");
    commit();
    const log = path.join(temporaryDirectory(), "calls");
    const noted = `require('fs').appendFileSync(${JSON.stringify(log)}, process.argv.slice(2).join(' ') + ';')`;
    writeFileSync(stub, noted);
    commit();
    expect(readFileSync(log, "utf8")).toBe("guard git;guard git post-commit;");
    writeFileSync(stub, "process.exit(process.argv.slice(2).join(' ') === 'guard git' ? 1 : 0)");
    expect(commit).toThrow("Command failed");
    expect(() => place.git("-C", "linked", "commit", "-q", "--allow-empty", "-m", "one")).toThrow("Command failed");
    const { files } = await place.init("--undo", "--yes");
    expect(files.find(({ file }) => file.includes("pre-commit"))?.kind).toBe("delete");
  });
});
