import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { Hooks } from "../../demo/team/hooks.js";
import type { ClientName, Orders } from "../../demo/team/orders.js";
import { temporaryDirectory } from "../support/databases/databases.js";

const FILES = {
  "claude-code": ".claude/settings.local.json",
  codex: ".codex/hooks.json",
  cursor: ".cursor/hooks.json",
};

/** A repository whose hooks run this program on the client's document, `call`. */
async function hooksOf(name: ClientName, program: string): Promise<Hooks> {
  const repository = temporaryDirectory();
  const script = path.join(repository, "hook.cjs");
  writeFileSync(script, `const call = JSON.parse(require("fs").readFileSync(0, "utf8")); ${program}`);
  const handler = { command: `"${process.execPath}" "${script}"` };
  const hooks =
    name === "cursor"
      ? { preToolUse: [{ ...handler, matcher: "Write|Delete" }], beforeShellExecution: [handler] }
      : { PreToolUse: [{ matcher: "Edit|Bash|apply_patch", hooks: [handler] }] };
  const file = path.join(repository, FILES[name]);
  mkdirSync(path.dirname(file));
  writeFileSync(file, JSON.stringify({ hooks }));
  const place = { home: repository, repository, database: path.join(repository, "baton.db") };
  return Hooks.read({ name, conversation: "c1", place } as Orders);
}

const NESTED = `console.log(JSON.stringify({ hookSpecificOutput: { permissionDecision: "deny", permissionDecisionReason: why } }));`;
const CURSOR = `console.log(JSON.stringify({ permission: "deny", agent_message: why }));`;

it.each([
  ["claude-code", `const why = call.session_id + call.tool_input.command; ${NESTED}`, "c1git add -A"],
  ["codex", `const why = call.session_id + call.tool_input.command; ${NESTED}`, "c1git add -A"],
  ["cursor", `const why = call.conversation_id + call.command; ${CURSOR}`, "c1git add -A"],
] as const)("a client of the demo obeys what a hook of %s answers", async (name, program, why) => {
  const hooks = await hooksOf(name, program);
  expect(await hooks.refusal({ kind: "shell", command: "git add -A" })).toBe(why);
});

it("an edit goes on where a hook has nothing to say, and not where it ends with 2", async () => {
  const hooks = await hooksOf(
    "codex",
    `if (call.tool_input.command.includes("b.md")) { console.error("held"); process.exit(2); }`,
  );
  expect(await hooks.refusal({ kind: "edit", file: "a.md" })).toBeUndefined();
  expect(await hooks.refusal({ kind: "edit", file: "b.md" })).toBe("held");
});
