import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { ROOT } from "../../house/source.js";
import type { CalledHook } from "./hook-guard.js";

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

/** A client for each session, whose hooks are processes of `baton guard`. */
export class HookClients {
  readonly #clients = new Map<string, ChildProcess>();
  readonly #database = path.join(temporaryDirectory(), "baton.db");

  close(): void {
    for (const client of this.#clients.values()) client.kill();
  }

  async ask({ session, cwd, kind, input }: CalledHook): Promise<string> {
    const client = this.#client(session, cwd);
    const answer = once(client, "message");
    const program = `'${process.execPath}' '${path.join(ROOT, "dist/main.js")}'`;
    client.send({ line: `${program} guard ${kind}`, input });
    const [{ status, stdout, stderr }] = (await answer) as [Answer];
    if (status !== 0 || stderr !== "") throw new Error(`the hook ended with ${status}: ${stderr}`);
    return stdout;
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
