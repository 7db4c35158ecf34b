import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { ROOT } from "../../house/source.js";
import type { Denial, Guard } from "./two-sessions.js";

/** A client: a process that lives on and starts each hook from a shell, as those of editors and terminals do. */
const CLIENT = `
  const { spawnSync } = require("node:child_process");
  process.on("message", ({ line, input }) => {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", line], { input, encoding: "utf8" });
    process.send({ status, stdout, stderr });
  });
`;

interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A client for each session, with the hooks of Claude Code before edits and commands. */
export class HookClients {
  readonly #clients = new Map<string, ChildProcess>();
  readonly #database = path.join(temporaryDirectory(), "baton.db");

  readonly guard: Guard = {
    command: async ({ command, top, session }) =>
      this.#denial(session, top, { tool_name: "Bash", tool_input: { command } }),
    edit: async ({ file, top, session }) => {
      const tool = { tool_name: "Edit", tool_input: { file_path: file, old_string: "a", new_string: "b" } };
      return (await this.#denial(session, top, tool)) === undefined;
    },
    committed: async ({ top, session }) => {
      const { status, stdout, stderr } = await this.#hook(session, top, { args: "git post-commit", input: "" });
      if (status !== 0 || `${stdout}${stderr}` !== "") throw new Error(`the hook ended with ${status}: ${stderr}`);
    },
  };

  close(): void {
    for (const client of this.#clients.values()) client.kill();
  }

  async #denial(session: string, cwd: string, tool: object): Promise<Denial | undefined> {
    const document = {
      session_id: `session-${session}`,
      transcript_path: "/nowhere/transcript.jsonl",
      cwd,
      permission_mode: "default",
      hook_event_name: "PreToolUse",
      ...tool,
      tool_use_id: "toolu_1",
    };
    const input = JSON.stringify(document);
    const { status, stdout, stderr } = await this.#hook(session, cwd, { args: "claude-code", input });
    if (status !== 0) throw new Error(`the hook ended with ${status}: ${stderr}`);
    if (stdout.trim() === "") return undefined;
    const { hookSpecificOutput: decided } = JSON.parse(stdout);
    if (decided?.permissionDecision !== "deny") throw new Error(`the hook answers ${stdout}`);
    return { instead: /Open to you: `([^`]+)`/.exec(decided.permissionDecisionReason)?.[1] };
  }

  async #hook(session: string, cwd: string, { args, input }: { args: string; input: string }): Promise<Answer> {
    const client = this.#client(session, cwd);
    const answer = once(client, "message");
    const program = `'${process.execPath}' '${path.join(ROOT, "dist/main.js")}'`;
    client.send({ line: `${program} guard ${args}`, input });
    return ((await answer) as [Answer])[0];
  }

  #client(session: string, cwd: string): ChildProcess {
    const known = this.#clients.get(session);
    if (known !== undefined) return known;
    const { CLAUDE_CODE_SESSION_ID: _, ...inherited } = process.env;
    const env = { ...inherited, BATON_DB: this.#database };
    if (this.#clients.size === 0) {
      // Baton is in use here: without a project no file is held.
      const held = ["call", "acquire_file_lock", "--paths", "elsewhere.txt", "--agent", "first"];
      execFileSync(process.execPath, [path.join(ROOT, "dist/main.js"), ...held], { cwd, env });
    }
    const client = spawn(process.execPath, ["-e", CLIENT], {
      cwd,
      env,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#clients.set(session, client);
    return client;
  }
}
