import { execFileSync } from "node:child_process";
import { realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { connectClient, type TestClient } from "../support/servers/client.js";

const THROUGH = path.resolve(import.meta.dirname, "../support/servers/parent.mjs");

async function clientsAt(backend: (typeof BACKENDS)[number]) {
  const { location: database } = await createDatabase(backend);
  const cwd = realpathSync(temporaryDirectory());
  execFileSync("git", ["init", "-q"], { cwd });
  writeFileSync(path.join(cwd, "auth.ts"), "a\n");
  const env = { CLAUDE_CODE_SESSION_ID: "first" };
  const claude = await connectClient({ database, cwd, env, clientName: "claude-code" });
  // Servers of one process are those of one client.
  const other = await connectClient({ database, cwd, clientName: "codex-mcp-client", through: THROUGH });
  return { claude, other, cwd };
}

/** Calls the tool as a hook that fills in the fields that its document has. */
async function hook({ client }: TestClient, fields: Record<string, unknown>): Promise<string> {
  const left = ["file_path", "notebook_path", "command"].map((name) => [name, ["$", `{tool_input.${name}}`].join("")]);
  const { content } = await client.callTool({
    name: "guard",
    arguments: { ...Object.fromEntries(left), session_id: "first", hook_event_name: "PreToolUse", ...fields },
  });
  return (content as { text: string }[])[0]?.text ?? "none";
}

describe("a hook that calls a tool", () => {
  test.each(BACKENDS)("is answered as the client of its connection, on %s", async (backend) => {
    const { claude, other, cwd } = await clientsAt(backend);
    const edit = { tool_name: "Edit", cwd };
    await other.call("acquire_file_lock", { paths: ["auth.ts"], reason: "a move" });
    const denied = JSON.parse(await hook(claude, { ...edit, file_path: path.join(cwd, "auth.ts") })) as object;
    expect(denied).toEqual({
      hookSpecificOutput: {
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: expect.stringContaining("auth.ts is held by codex-mcp-client-"),
      },
    });
    // The conversation that the document names is that of no server: `/clear` has changed it.
    expect(await hook(claude, { ...edit, session_id: "cleared", file_path: path.join(cwd, "own.ts") })).toBe("");
    const { locks } = await claude.call("list_file_locks", {});
    const own = locks.find(({ path: locked }) => locked === "own.ts");
    expect(own?.agent).toMatch(/^claude-code-/);
    await claude.call("release_file_lock", { paths: ["own.ts"] });
    const shell = { tool_name: "Bash", cwd, command: "git add -A" };
    expect(await hook(claude, shell)).toContain('"permissionDecision":"deny"');
    expect(await hook(claude, { ...shell, command: "git status" })).toBe("");
  });

  test("holds a stop up once while its agent holds a task", async () => {
    const { claude, cwd } = await clientsAt("sqlite");
    expect(await hook(claude, { hook_event_name: "Stop", cwd, stop_hook_active: "false" })).toBe("");
    await claude.call("create_task", { title: "Fix login", prompt: "Make login work." });
    await claude.call("claim_task", {});
    expect(await hook(claude, { hook_event_name: "Stop", cwd, stop_hook_active: "false" })).toContain("Fix login");
    expect(await hook(claude, { hook_event_name: "Stop", cwd, stop_hook_active: "true" })).toBe("");
  });

  test("says nothing to a document that it does not know", async () => {
    const { claude } = await clientsAt("sqlite");
    expect(await hook(claude, { hook_event_name: "Unheard" })).toBe("");
    expect(await hook(claude, { hook_event_name: "" })).toBe("");
  });

  test("lets the work go on where the database is gone, and says so once", async () => {
    const claude = await connectClient({ database: "/proc/none/baton.db", clientName: "claude-code" });
    const edit = { tool_name: "Edit", file_path: "/tmp/a.ts" };
    expect(JSON.parse(await hook(claude, edit))).toEqual({ systemMessage: expect.stringMatching(/^Baton could not/) });
    expect(await hook(claude, edit)).toBe("");
  });

  test("is listed and served to Claude Code alone, and by no server that only reads", async () => {
    const { claude, other } = await clientsAt("sqlite");
    const names = async ({ client }: TestClient) => (await client.listTools()).tools.map(({ name }) => name);
    const shown = await names(claude);
    expect(shown.filter((name) => name !== "guard")).toEqual(await names(other));
    expect(shown).toContain("guard");
    expect(await hook(other, {})).toContain("not_found");
    const reading = await connectClient({ args: ["--read-only"], clientName: "claude-code" });
    expect(await names(reading)).not.toContain("guard");
  });
});
