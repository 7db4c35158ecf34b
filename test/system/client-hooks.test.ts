import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { initRepository, PROGRAM } from "../support/fixtures/init-repository.js";

const DOCUMENTS = path.resolve(import.meta.dirname, "../data/hooks");

/** Every command of the guard in a file of hooks, whatever the client's form. */
function commandsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(commandsIn);
  const entries = z.record(z.string(), z.unknown()).safeParse(value).data ?? {};
  return Object.entries(entries).flatMap(([key, one]) =>
    key === "command" && typeof one === "string" && one.includes(" guard ") ? [one] : commandsIn(one),
  );
}

const PATCH = "*** Begin Patch\n*** Update File: src/auth.ts\n@@\n-a\n+b\n*** End Patch";

test.each([
  ["claude-code", ".claude/settings.local.json", "claude-code/PreToolUse.Edit", { file_path: "AT" }],
  ["cursor", ".cursor/hooks.json", "cursor/preToolUse.Write.assumed", { file_path: "AT" }],
  ["codex", ".codex/hooks.json", "codex/PreToolUse.apply_patch", { command: PATCH }],
  ["gemini", ".gemini/settings.json", "gemini/BeforeTool.write_file", { file_path: "src/auth.ts", content: "b" }],
])(
  "the hook that baton init writes for %s, run by a shell, denies the file of another and no other",
  async (...row) => {
    const [client, file, document, input] = row;
    const repository = initRepository();
    await repository.init("--yes", "--client", client);
    const { fixture } = repository;
    const cwd = realpathSync(fixture.cwd);
    repository.write("src/auth.ts", "a\n");
    const held = ["call", "acquire_file_lock", "--paths", '["src/auth.ts"]', "--reason", "a move"];
    const zoe = { ...fixture.env, BATON_AGENT: "zoe" };
    expect(spawnSync(process.execPath, [PROGRAM, ...held], { cwd, env: zoe }).status).toBe(0);
    const [command = ""] = commandsIn(JSON.parse(repository.read(file)));
    const run = (name: string): string => {
      const known = JSON.parse(readFileSync(path.join(DOCUMENTS, `${document}.json`), "utf8")) as object;
      const tool_input = JSON.parse(
        JSON.stringify(input).replaceAll("AT", path.join(cwd, "src/auth.ts")).replaceAll("src/auth.ts", name),
      ) as object;
      const asked = JSON.stringify({ ...known, cwd, workspace_roots: [cwd], tool_input });
      const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
        cwd,
        env: fixture.env,
        input: asked,
        encoding: "utf8",
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return stdout;
    };
    expect(run("src/auth.ts")).toMatch(
      /deny[^]*src\/auth\.ts is held by zoe \(a move\) until released or \d\d:\d\d UTC/,
    );
    expect(run("src/other.ts")).toBe("");
  },
);
