import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { environmentOf } from "./baton.js";
import type { ClientName, Orders } from "./orders.js";

/** A call of one of the client's own tools, before it is made. */
export type ToolCall =
  | { readonly kind: "edit"; readonly file: string }
  | { readonly kind: "shell"; readonly command: string };

interface HookKind {
  /** The client's name of the event. */
  readonly event: string;
  /** The tool that a matcher is compared with. */
  readonly tool: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

const handler = z.object({ command: z.string(), matcher: z.string().optional() });
const group = z.union([z.object({ matcher: z.string().optional(), hooks: z.array(handler) }), handler]);
const settings = z.object({ hooks: z.record(z.string(), z.array(group)) });
type Handler = z.output<typeof handler>;

const SETTINGS: Readonly<Record<ClientName, string>> = {
  "claude-code": ".claude/settings.local.json",
  codex: ".codex/hooks.json",
  cursor: ".cursor/hooks.json",
};

/** An answer of a hook in any of the three clients' forms. */
const answer = z.looseObject({
  hookSpecificOutput: z
    .looseObject({
      permissionDecision: z.string().optional(),
      permissionDecisionReason: z.string().optional(),
      additionalContext: z.string().optional(),
    })
    .optional(),
  permission: z.string().optional(),
  agent_message: z.string().optional(),
  additional_context: z.string().optional(),
});

const BLOCKED = 2;

/** The hooks that `baton init` has set up in the repository, called as the client calls them: JSON in, a decision out. */
export class Hooks {
  readonly #orders: Orders;
  readonly #handlers: ReadonlyMap<string, readonly Handler[]>;

  private constructor(orders: Orders, handlers: ReadonlyMap<string, readonly Handler[]>) {
    this.#orders = orders;
    this.#handlers = handlers;
  }

  static async read(orders: Orders): Promise<Hooks> {
    const text = await readFile(path.join(orders.place.repository, SETTINGS[orders.name]), "utf8");
    const { hooks } = settings.parse(JSON.parse(text));
    const handlers = Object.entries(hooks).map(([event, groups]) => [event, groups.flatMap(handlersOf)] as const);
    return new Hooks(orders, new Map(handlers));
  }

  /** Returns why a call is refused, undefined where it may be made. */
  async refusal(call: ToolCall): Promise<string | undefined> {
    const { name, place } = this.#orders;
    for (const { code, stdout, stderr } of await this.#run(hookOf(name, call, place.repository))) {
      const { hookSpecificOutput, permission, agent_message: message } = answer.parse(parsed(stdout));
      if (hookSpecificOutput?.permissionDecision === "deny") return hookSpecificOutput.permissionDecisionReason ?? "";
      if (permission === "deny") return message ?? "";
      if (code === BLOCKED) return stderr.trim();
    }
    return undefined;
  }

  /** Returns what a conversation is told when it begins, or is opened again. */
  async sessionStart(source: "startup" | "resume"): Promise<string> {
    const event = this.#orders.name === "cursor" ? "sessionStart" : "SessionStart";
    const answers = await this.#run({ event, tool: source, fields: { source } });
    return answers
      .map(({ stdout }) => {
        const { hookSpecificOutput, additional_context: context } = answer.parse(parsed(stdout));
        return hookSpecificOutput?.additionalContext ?? context ?? "";
      })
      .join("");
  }

  async #run({ event, tool, fields }: HookKind): Promise<Ran[]> {
    const handlers = this.#handlers.get(event) ?? [];
    const meant = handlers.filter(
      ({ matcher = "" }) => matcher === "" || new RegExp(`^(?:${matcher})$`).test(tool ?? ""),
    );
    const input = JSON.stringify({ ...commonOf(this.#orders), hook_event_name: event, ...fields });
    return Promise.all(meant.map(({ command }) => run(command, { input, orders: this.#orders })));
  }
}

function handlersOf(given: z.output<typeof group>): Handler[] {
  if (!("hooks" in given)) return [given];
  return given.hooks.map((one) => ({ ...one, matcher: given.matcher }));
}

/** The fields that each client's documentation promises in every event. */
function commonOf({ name, conversation, place }: Orders): Record<string, unknown> {
  const cwd = place.repository;
  switch (name) {
    case "claude-code":
      return {
        session_id: conversation,
        transcript_path: path.join(cwd, "transcript.jsonl"),
        cwd,
        permission_mode: "default",
      };
    case "codex":
      return { session_id: conversation, transcript_path: null, cwd, model: "none", permission_mode: "default" };
    case "cursor":
      return {
        conversation_id: conversation,
        generation_id: "1",
        model: "none",
        cursor_version: "3.1.0",
        workspace_roots: [cwd],
      };
  }
}

/** The event and fields with which a client asks before a call of a tool. */
function hookOf(name: ClientName, call: ToolCall, cwd: string): HookKind {
  if (name === "cursor")
    return call.kind === "shell"
      ? { event: "beforeShellExecution", tool: undefined, fields: { command: call.command, cwd } }
      : {
          event: "preToolUse",
          tool: "Write",
          fields: toolFields("Write", { file_path: path.join(cwd, call.file) }, cwd),
        };
  const [tool, input] =
    call.kind === "shell"
      ? ["Bash", { command: call.command }]
      : name === "codex"
        ? ["apply_patch", { command: `*** Begin Patch\n*** Update File: ${call.file}\n@@\n+\n*** End Patch\n` }]
        : ["Edit", { file_path: path.join(cwd, call.file), old_string: "", new_string: "" }];
  return {
    event: "PreToolUse",
    tool,
    fields: { ...toolFields(tool, input, cwd), ...(name === "codex" ? { turn_id: "1" } : {}) },
  };
}

function toolFields(tool: string, input: Readonly<Record<string, unknown>>, cwd: string): Record<string, unknown> {
  return { tool_name: tool, tool_input: input, tool_use_id: "1", cwd };
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, { input, orders }: { input: string; orders: Orders }): Promise<Ran> {
  const { place } = orders;
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, cwd: place.repository, env: environmentOf(place, orders) });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject).once("close", (code) => resolve({ code, stdout, stderr }));
    // A hook that needs nothing of the document may end before it has read it.
    child.stdin.on("error", () => {}).end(input);
  });
}

/** Nothing is printed where nothing is to be said. */
function parsed(stdout: string): unknown {
  return stdout.trim() === "" ? {} : JSON.parse(stdout);
}
