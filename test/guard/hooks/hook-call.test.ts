import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type HookCall, readHookCall } from "../../../src/guard/hooks/hook-call.js";

const DATA = path.resolve(import.meta.dirname, "../../data/hooks");

function read(client: string, name: string): HookCall | undefined {
  return readHookCall(JSON.parse(readFileSync(path.join(DATA, client, `${name}.json`), "utf8")), "/here");
}

describe("a document of a hook", () => {
  test.each(readdirSync(DATA))("of %s is known by its fields, whatever the hook was called with", (client) => {
    // The end of a session, about which nothing is said, has the same fields in Codex and Claude Code.
    const names = readdirSync(path.join(DATA, client))
      .map((file) => path.basename(file, ".json"))
      .filter((name) => client !== "codex" || name !== "SessionEnd");
    const known = names.map((name) => [name, read(client, name)?.client]);
    expect(known).toEqual(names.map((name) => [name, client]));
  });

  test.each([
    ["claude-code", "PreToolUse.Edit", "edit", ["/home/user/my-project/src/auth.ts"]],
    ["claude-code", "PreToolUse.MultiEdit.legacy", "edit", ["/home/user/my-project/src/auth.ts"]],
    ["claude-code", "PreToolUse.NotebookEdit", "edit", ["/home/user/my-project/nb/a.ipynb"]],
    ["claude-code", "PostToolUse.Edit", "other", []],
    ["cursor", "preToolUse.Write.assumed", "edit", ["/project/src/a.ts"]],
    ["cursor", "afterFileEdit", "other", []],
    ["gemini", "BeforeTool.replace", "edit", ["/project/src/a.ts"]],
    ["vscode", "PreToolUse.documented", "edit", ["/path/to/workspace/src/main.ts"]],
    ["vscode", "PreToolUse.replace_string_in_file.assumed", "edit", ["/path/to/workspace/src/main.ts"]],
    [
      "vscode",
      "PreToolUse.multi_replace_string_in_file.assumed",
      "edit",
      ["/path/to/workspace/src/main.ts", "/path/to/workspace/src/app.ts"],
    ],
    [
      "codex",
      "PreToolUse.apply_patch",
      "edit",
      ["/workspace/src/new.ts", "/workspace/src/main.ts", "/workspace/src/app.ts", "/workspace/src/old.ts"],
    ],
  ] as const)("%s %s names the files that are edited", (client, name, ...[event, files]) => {
    expect(read(client, name)).toMatchObject({ event, files });
  });

  test.each([
    ["StrReplace", { path: "a.ts" }, ["/here/a.ts"]],
    ["EditNotebook", { target_notebook: "a.ipynb" }, ["/here/a.ipynb"]],
    ["ApplyPatch", { patch: "*** Update File: a.ts\n" }, ["/here/a.ts"]],
    [
      "edit",
      { edits: [{ file_path: "a.ts" }, { file_path: "b.ts" }, { file_path: 7 }, "c.ts"] },
      ["a", "b", "c"].map((name) => `/here/${name}.ts`),
    ],
    ["runTests", { files: ["a.test.ts"] }, []],
    ["vscode_listCodeUsages", { filePath: "a.ts" }, []],
  ])("the tool %s with %j names %j", (tool_name, tool_input, files) => {
    expect(readHookCall({ hook_event_name: "PreToolUse", tool_name, tool_input }, "/here")?.files).toEqual(files);
  });

  test.each([
    ["claude-code", "PreToolUse.Bash", 'git add -A && git commit -m "wip"'],
    ["claude-code", "PreToolUse.PowerShell", "git stash"],
    ["cursor", "preToolUse.Shell", "npm install"],
    ["cursor", "beforeShellExecution", "git add -A"],
    ["gemini", "BeforeTool.run_shell_command", "git add -A"],
    ["copilot", "preToolUse.camelCase", "git add -A"],
    ["copilot", "preToolUse.camelCase.string-args", "rm -rf dist"],
    ["copilot", "PreToolUse.PascalCase", "git add -A"],
  ] as const)("%s %s has the command line of a shell", (client, name, command) => {
    expect(read(client, name)).toMatchObject({ event: "shell", command, files: [] });
  });

  test("tells the start of a session, also after a compaction, and a stop that was held up before", () => {
    expect(read("claude-code", "SessionStart.startup")).toMatchObject({ event: "session-start" });
    expect(read("codex", "SessionStart.compact")).toMatchObject({ event: "session-start" });
    expect(read("claude-code", "Stop")).toMatchObject({ event: "stop", again: false });
    expect(read("claude-code", "Stop.active")).toMatchObject({ event: "stop", again: true });
    expect(read("copilot", "agentStop")).toMatchObject({ event: "stop", again: false });
    expect(read("gemini", "AfterAgent")).toMatchObject({ event: "stop" });
  });

  test.each([[undefined], [[]], ["text"], [{}], [{ tool_name: "Edit" }], [{ hook_event_name: 7 }]])(
    "that is none of a hook is not known: %j",
    (document) => {
      expect(readHookCall(document, "/here")).toBeUndefined();
    },
  );

  test("with fields of other kinds names no file and no command", () => {
    const document = { hook_event_name: "PreToolUse", tool_name: 7, tool_input: { file_path: ["a"], command: null } };
    expect(readHookCall(document, "/here")).toMatchObject({ event: "other", files: [], command: undefined });
  });
});
