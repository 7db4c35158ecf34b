import type { Denial, Guard } from "./two-sessions.js";

/** A hook of a session that is called, with its document. */
export interface CalledHook {
  readonly session: string;
  readonly cwd: string;
  readonly kind: "claude-code" | "git post-commit";
  readonly input: string;
}

/** Answers a hook with what it prints. */
export type AskHook = (hook: CalledHook) => Promise<string>;

/** Two sessions whose client is Claude Code, with its hooks before edits and commands, and git's after a commit. */
export function guardBy(ask: AskHook): Guard {
  const denialOf = async (session: string, cwd: string, tool: object): Promise<Denial | undefined> => {
    const document = {
      session_id: `session-${session}`,
      transcript_path: "/nowhere/transcript.jsonl",
      cwd,
      permission_mode: "default",
      hook_event_name: "PreToolUse",
      ...tool,
      tool_use_id: "toolu_1",
    };
    const printed = await ask({ session, cwd, kind: "claude-code", input: JSON.stringify(document) });
    if (printed.trim() === "") return undefined;
    const { hookSpecificOutput: decided } = JSON.parse(printed);
    if (decided?.permissionDecision !== "deny") throw new Error(`the hook answers ${printed}`);
    return { instead: /Open to you: `([^`]+)`/.exec(decided.permissionDecisionReason)?.[1] };
  };
  return {
    command: ({ command, top, session }) => denialOf(session, top, { tool_name: "Bash", tool_input: { command } }),
    edit: async ({ file, top, session }) => {
      const tool = { tool_name: "Edit", tool_input: { file_path: file, old_string: "a", new_string: "b" } };
      return (await denialOf(session, top, tool)) === undefined;
    },
    committed: async ({ top, session }) => {
      const printed = await ask({ session, cwd: top, kind: "git post-commit", input: "" });
      if (printed !== "") throw new Error(`the hook after a commit prints ${printed}`);
    },
  };
}
