import { expect, test } from "vitest";
import { answerOf } from "../../../src/guard/hooks/hook-answer.js";

const DENY = { kind: "deny", reason: "held" } as const;

test.each([
  [
    "claude-code",
    "PreToolUse",
    {
      hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: "held" },
    },
  ],
  [
    "codex",
    "PreToolUse",
    {
      hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: "held" },
    },
  ],
  [
    "vscode",
    "PreToolUse",
    {
      hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: "held" },
    },
  ],
  ["copilot", "preToolUse", expect.objectContaining({ permissionDecision: "deny", permissionDecisionReason: "held" })],
  ["cursor", "preToolUse", { permission: "deny", user_message: "held", agent_message: "held" }],
  ["gemini", "BeforeTool", { decision: "deny", reason: "held" }],
] as const)("%s is denied a call in its own keys alone", (client, eventName, expected) => {
  expect(JSON.parse(answerOf({ client, eventName }, DENY))).toEqual(expected);
});

test.each([
  ["claude-code", { decision: "block", reason: "held" }],
  ["codex", { decision: "block", reason: "held" }],
  ["copilot", { decision: "block", reason: "held" }],
  ["vscode", { hookSpecificOutput: { hookEventName: "Stop", decision: "block", reason: "held" } }],
  ["cursor", { followup_message: "held" }],
  ["gemini", { decision: "deny", reason: "held" }],
] as const)("%s goes on after a stop by its own keys", (client, expected) => {
  const answer = answerOf({ client, eventName: "Stop" }, { kind: "continue", reason: "held" });
  expect(JSON.parse(answer)).toEqual(expected);
});

test("nothing is printed where nothing is to be said: an answer that allows would skip the person's own prompt", () => {
  expect(answerOf({ client: "claude-code", eventName: "PreToolUse" }, undefined)).toBe("");
});
