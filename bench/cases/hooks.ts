import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import type { Bench, Benchmark, Line, Outcome } from "../harness/benchmark.js";
import { SERVER } from "../harness/places.js";
import { startDurablePostgres } from "../harness/postgres.js";
import { figuresOf, interleave, median } from "../harness/rounds.js";

const ROUNDS = 21;
const EDIT_MS_MAX = 20;
const CONVERSATION = "bench";

export const hooks: Benchmark = {
  name: "hooks",
  title: "A hook of a client, beside a bare start of Node",
  async run(bench: Bench): Promise<Outcome> {
    const postgres = await startDurablePostgres();
    try {
      const onSqlite = await measured("SQLite", { BATON_DB: path.join(bench.directory, "baton.db") }, bench);
      const onPostgres = await measured("PostgreSQL", { BATON_DATABASE_URL: postgres.url }, bench);
      return {
        lines: [...onSqlite.lines, ...onPostgres.lines],
        notes: [
          "From spawn to the end of the process, which is told the step on its standard input; the file that is edited is the caller's own. The peer is node -e 0 in the same rounds.",
        ],
        detail: { ...onSqlite.detail, ...onPostgres.detail },
      };
    } finally {
      await postgres.stop();
    }
  },
};

/** Steps of an agent in Claude Code, by what its hook has to find out. */
const STEPS = {
  "an edit of an own file": { hook_event_name: "PreToolUse", tool_name: "Edit", tool_input: { file_path: "a.ts" } },
  "a shell without git": { hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { command: "npm test" } },
  "a shell with git add": { hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: { command: "git add -A" } },
  "a session's start": { hook_event_name: "SessionStart", source: "startup" },
  "a stop": { hook_event_name: "Stop", stop_hook_active: false },
} as const;

/** Whether a server answers a hook, or it opens the database itself. */
const WAYS = { "a server answers": {}, "no server": { XDG_RUNTIME_DIR: "/nonexistent" } } as const;
const EDIT = "an edit of an own file";

async function measured(
  database: string,
  place: Readonly<Record<string, string>>,
  { directory, quick }: Bench,
): Promise<Pick<Outcome, "lines"> & { readonly detail: Record<string, unknown> }> {
  const cwd = path.join(realpathSync(directory), database.toLowerCase());
  mkdirSync(path.join(cwd, "run"), { recursive: true, mode: 0o700 });
  spawnSync("git", ["init", "--quiet"], { cwd });
  writeFileSync(path.join(cwd, "a.ts"), "export const a = 1;\n");
  const { PATH } = process.env;
  const own = { HOME: cwd, XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd, XDG_RUNTIME_DIR: path.join(cwd, "run") };
  const env = { PATH, ...own, ...place };
  const endServer = await takeFile(cwd, env);
  const hook = [path.join(path.dirname(SERVER), "baton.cjs"), "guard", "claude-code"];
  const steps = Object.entries(WAYS).flatMap(([way, more]) =>
    Object.entries(STEPS).map(([step, document]) => {
      const input = JSON.stringify({ session_id: CONVERSATION, transcript_path: "t.jsonl", cwd, ...document });
      const round = async () => timed(hook, { cwd, env: { ...env, ...more }, input });
      return { name: `${step}; ${way}`, round };
    }),
  );
  const bare = { name: "bare", round: async () => timed(["-e", "0"], { cwd, env, input: "" }) };
  await interleave([bare, ...steps], 2);
  const rounds = await interleave([bare, ...steps], quick ? 5 : ROUNDS);
  await endServer();
  const peer = { name: "node -e 0", value: median(figuresOf(rounds, "bare")) };
  const lines = steps.flatMap(({ name }): Line[] => {
    const value = median(figuresOf(rounds, name));
    const line = { what: `${database}: ${name}`, value, unit: "ms", peer };
    const above = { what: `${database}: ${name}, above bare Node`, value: value - peer.value, unit: "ms" };
    if (!name.startsWith(EDIT)) return [line];
    if (!name.endsWith("a server answers")) return [line, above];
    return [line, { ...above, target: { of: "value", at: "most", limit: EDIT_MS_MAX } }];
  });
  const detail = [bare, ...steps].map(({ name }) => [`${database}, ${name}, ms`, figuresOf(rounds, name)] as const);
  return { lines, detail: Object.fromEntries(detail) };
}

interface Start {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly input: string;
}

function timed(args: readonly string[], { cwd, env, input }: Start): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, env, input, encoding: "utf8" });
  const ms = performance.now() - startedAt;
  if (status !== 0 || stderr !== "") throw new Error(`node ${args.join(" ")} ended with ${String(status)}: ${stderr}`);
  return ms;
}

/** Has a server of the conversation lock the file that the hooks then ask about. Returns the function that ends it. */
async function takeFile(cwd: string, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const server = spawn(process.execPath, [SERVER], {
    cwd,
    env: { ...env, CLAUDECODE: "1", CLAUDE_CODE_SESSION_ID: CONVERSATION },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: server.stdout });
  const call = async (id: number, method: string, params: object): Promise<void> => {
    const answered = once(lines, "line") as Promise<[string]>;
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    const [line] = await answered;
    if (!line.includes('"result"') || line.includes('"isError":true')) throw new Error(`${method}: ${line}`);
  };
  const clientInfo = { name: "claude-code", version: "1" };
  await call(1, "initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
  await call(2, "tools/call", { name: "acquire_file_lock", arguments: { paths: ["a.ts"], reason: "bench" } });
  const sockets = path.join(env["XDG_RUNTIME_DIR"] ?? "", "baton");
  while (!existsSync(sockets) || readdirSync(sockets).length === 0) await setTimeout(10);
  return async () => {
    const ended = once(server, "exit");
    server.stdin.end();
    await ended;
  };
}
