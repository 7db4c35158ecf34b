import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { MARK_VARIABLE } from "../../../src/executors/processes/runner-protocol.js";
import { ProcessTree } from "../../../src/executors/processes/process-tree.js";
import { bestOfFew } from "../../support/in-time.js";
import { until } from "../../support/until.js";

const GRACE_MS = 300;
const COMPILED = pathToFileURL(join(import.meta.dirname, "../../../dist/executors/processes/process.js")).href;

// Everything a command can do to outlive its shell: ignore SIGTERM, fork twice, lead a session of its own.
const COMMAND = `
trap '' TERM
sleep 1001 &
(sh -c "trap '' TERM; sleep 1002; sleep 1002" &)
setsid sh -c "trap '' TERM; sleep 1003; sleep 1003" &
(setsid sleep 1004 &)
while :; do sleep 0.05; done
`;

describe.skipIf(process.platform !== "linux")("the server is killed with -9", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "baton-killed-"));
  });
  // Servers that a failing test leaves behind.
  const servers = new Map<string, ChildProcess>();
  afterEach(async () => {
    for (const [mark, server] of servers) {
      server.kill("SIGKILL");
      await new ProcessTree(mark).end(0);
    }
    servers.clear();
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** A process that does what a server does: it starts the command through the compiled code and keeps running. */
  async function startServer(mark: string, run: string): Promise<{ server: ChildProcess; runner: number }> {
    const spec = {
      mark,
      run,
      cwd: directory,
      env: {},
      timeoutMs: 600_000,
      graceMs: GRACE_MS,
      outputFile: join(directory, `${mark}.log`),
    };
    const program = join(directory, `${mark}.mjs`);
    await writeFile(
      program,
      `import { startCommand } from ${JSON.stringify(COMPILED)};
       const command = startCommand(${JSON.stringify(spec)});
       await command.started;
       process.stdout.write(command.runnerPid + "\\n");`,
    );
    const server = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"], detached: true });
    servers.set(mark, server);
    const runner = await new Promise<number>((resolve) => {
      server.stdout.once("data", (data: Buffer) => resolve(Number(data.toString())));
    });
    return { server, runner };
  }

  let marks = 0;

  test.each(["the process", "its whole group"])("%s: nothing of its command is left", (what) =>
    bestOfFew(async (inTime) => {
      const mark = `killed-${process.pid}-${(marks += 1)}`;
      const { server, runner } = await startServer(mark, COMMAND);
      const tree = new ProcessTree(mark);
      const names = await until("all of the command runs", async () => {
        const lines = await Promise.all(tree.survivors().map(commandLine));
        return ["1001", "1002", "1003", "1004"].every((time) => lines.includes(`sleep ${time}`)) && lines;
      });
      expect(names.length).toBeGreaterThanOrEqual(7);

      const killedAt = performance.now();
      process.kill(what === "the process" ? server.pid! : -server.pid!, "SIGKILL");
      await until("nothing of the command is left", () => tree.survivors().length === 0);
      expect(performance.now() - killedAt).toBeGreaterThanOrEqual(GRACE_MS * 0.9);
      // Reads environments without the code under test: no process carries the mark.
      expect(await markedProcesses(mark)).toEqual([]);
      await until("the runner has ended too", async () => (await commandLine(runner)) === "");
      inTime(GRACE_MS + 5_000, killedAt);
    }),
  );

  test("a runner that was killed with it leaves the command to endCommand of the server that takes over", async () => {
    const mark = `both-${process.pid}`;
    const { server, runner } = await startServer(mark, COMMAND);
    const tree = new ProcessTree(mark);
    await until("the command runs", () => tree.survivors().length >= 7);
    process.kill(server.pid!, "SIGSTOP"); // so that it cannot notice the end of its runner
    process.kill(runner, "SIGKILL");
    process.kill(server.pid!, "SIGKILL");
    expect(tree.survivors().length).toBeGreaterThan(0);
    expect(await tree.end(GRACE_MS)).toEqual([]);
    expect(await markedProcesses(mark)).toEqual([]);
  });
});

async function commandLine(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.split("\0").join(" ").trim();
}

function markedProcesses(mark: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const script = `grep -lsz '^${MARK_VARIABLE}=${mark}$' /proc/[0-9]*/environ || true`;
    const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    let found = "";
    child.stdout.on("data", (data: Buffer) => (found += data.toString()));
    child.once("error", reject);
    child.once("close", () => resolve(found.split("\n").filter(Boolean)));
  });
}
