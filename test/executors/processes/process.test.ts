import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type CommandResult,
  type CommandStart,
  endCommand,
  type RunningCommand,
  startCommand,
} from "../../../src/executors/processes/process.js";
import { ProcessTree } from "../../../src/executors/processes/process-tree.js";
import { until } from "../../support/until.js";

const linux = process.platform === "linux";

describe("startCommand", () => {
  let directory: string;
  let count = 0;
  const running = new Set<RunningCommand>();

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "baton-process-"));
  });
  afterEach(async () => {
    for (const command of running) command.cancel("the test is over");
    await Promise.all(Array.from(running, (command) => command.done));
    running.clear();
  });
  afterAll(() => rm(directory, { recursive: true }));

  function specOf(run: string, changes: Partial<CommandStart> = {}): CommandStart {
    count += 1;
    const mark = `test-${process.pid}-${count}`;
    const outputFile = join(directory, "output", `${mark}.log`);
    return { mark, run, cwd: directory, env: {}, timeoutMs: 90_000, graceMs: 200, outputFile, ...changes };
  }

  function start(run: string, changes: Partial<CommandStart> = {}): RunningCommand & { spec: CommandStart } {
    const spec = specOf(run, changes);
    const command = startCommand(spec);
    running.add(command);
    return { ...command, spec };
  }

  const result = (run: string, changes?: Partial<CommandStart>): Promise<CommandResult> => start(run, changes).done;

  /** The number that a command writes to a file of its directory. */
  function pidIn(file: string): Promise<number> {
    return until(`${file} is written`, async () => {
      const text = await readFile(join(directory, file), "utf8").catch(() => "");
      return text.endsWith("\n") && Number(text);
    });
  }

  test("a command that succeeds: code, output in order, time, pids", async () => {
    const from = performance.now();
    const command = start("echo one; echo two >&2; echo three; exit 0");
    const pid = await command.started;
    expect(pid).toBeGreaterThan(1);
    expect(command.runnerPid).toBeGreaterThan(1);
    const ended = await command.done;
    // Linux says what it has taken.
    const { memoryBytes: _memory, cpuMs: _cpu, ...facts } = ended;
    expect(facts).toEqual({
      outcome: "exited",
      code: 0,
      tail: "one\ntwo\nthree\n",
      outputBytes: 14,
      truncated: false,
      durationMs: expect.any(Number),
      leftRunning: [],
    });
    expect(ended.durationMs).toBeLessThanOrEqual(performance.now() - from + 1);
    expect(await readFile(command.spec.outputFile, "utf8")).toBe("one\ntwo\nthree\n");
    expect((await stat(command.spec.outputFile)).mode & 0o777).toBe(0o600);
  });

  test("a command that fails, is missing, or dies of a signal", async () => {
    expect(await result("echo no >&2; exit 3")).toMatchObject({ outcome: "exited", code: 3, tail: "no\n" });
    expect(await result("baton-no-such-program")).toMatchObject({ outcome: "exited", code: 127 });
    expect(await result("kill -9 $$")).toMatchObject({ outcome: "signalled", signal: "SIGKILL" });
  });

  test("bash stops at the first failure, also in a pipe; sh does not", async () => {
    expect(await result("false | cat; echo on", { shell: "bash" })).toMatchObject({ code: 1, tail: "" });
    expect(await result("false\necho on")).toMatchObject({ code: 1, tail: "" });
    // Not every shell can fail with a command in front of a pipe.
    const pipefail = spawnSync("/bin/sh", ["-o", "pipefail", "-c", ":"]).status === 0;
    expect(await result("exit 3 | cat; echo on")).toMatchObject(pipefail ? { code: 3, tail: "" } : { code: 0 });
    expect(await result("false || echo on")).toMatchObject({ code: 0, tail: "on\n" });
  });

  test.skipIf(!linux)("a script may open /dev/stderr and /dev/stdout, and has an empty stdin", async () => {
    const ended = await result("echo a > /dev/stderr; echo b > /dev/stdout; cat; echo c");
    expect(ended).toMatchObject({ outcome: "exited", code: 0, tail: "a\nb\nc\n" });
  });

  test("only the minimal environment and what the step says", async () => {
    process.env["BATON_TEST_SECRET"] = "secret-of-the-server";
    process.env["NODE_OPTIONS_TEST_SECRET"] = "secret-of-the-server";
    try {
      const ended = await result("env; echo cwd=$(pwd -P)", { env: { CI: "1", BATON_INPUT_X: "a; $(b)\n'c'" } });
      expect(ended.tail).not.toContain("secret-of-the-server");
      expect(ended.tail).toContain("CI=1\n");
      expect(ended.tail).toContain("BATON_INPUT_X=a; $(b)\n'c'\n");
      expect(ended.tail).toContain("TERM=dumb\n");
      expect(ended.tail).not.toContain("NODE_CHANNEL_FD");
      const names = ended.tail.match(/^[A-Z_][A-Za-z0-9_]*(?==)/gm) ?? [];
      const own = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TMPDIR|TZ|TERM|CI|BATON_INPUT_X)$/;
      // Variables that the shell itself sets, and the mark.
      const added = /^(PWD|OLDPWD|SHLVL|_|BATON_COMMAND_MARK)$/;
      expect(names.filter((name) => !own.test(name) && !added.test(name))).toEqual([]);
    } finally {
      delete process.env["BATON_TEST_SECRET"];
      delete process.env["NODE_OPTIONS_TEST_SECRET"];
    }
  });

  test("much output: the file is cut at its limit, the tail is the end, memory stays small", async () => {
    const changes = { outputBytesMax: 1_000_000, tailBytes: 100 };
    const command = start("head -c 30000000 /dev/zero | tr '\\0' x; printf '\\nthe end'", changes);
    const ended = await command.done;
    expect(ended).toMatchObject({ outcome: "exited", code: 0, outputBytes: 30_000_008, truncated: true });
    expect(ended.tail).toHaveLength(100);
    expect(ended.tail).toMatch(/^x+\nthe end$/);
    expect((await stat(command.spec.outputFile)).size).toBe(1_000_000);
  });

  test("not started: a missing directory, an output file that exists, a line that is too long, NUL", async () => {
    const gone = await result("true", { cwd: join(directory, "gone") });
    expect(gone).toMatchObject({ outcome: "not_started", error: expect.stringContaining("is not a directory") });
    const taken = join(directory, "taken.log");
    await writeFile(taken, "mine");
    const exists = await result("true", { outputFile: taken });
    expect(exists).toMatchObject({ outcome: "not_started", error: expect.stringContaining("EEXIST") });
    expect(await readFile(taken, "utf8")).toBe("mine");
    expect(await result(`: ${"x".repeat(200_000)}`)).toMatchObject({ outcome: "not_started" });
    const nul = start("true \0");
    expect(await nul.started).toBe(null);
    expect(await nul.done).toMatchObject({ outcome: "not_started" });
  });

  test("a runner that is not there is told as such", async () => {
    const command = startCommand(specOf("true"), { file: join(directory, "no-runner.js") });
    expect(await command.started).toBe(null);
    expect(await command.done).toMatchObject({ outcome: "lost", error: expect.stringContaining("no-runner.js") });
  });

  test("the time is over: all of the group is ended, also who ignores SIGTERM", async () => {
    const run = "trap '' TERM; (trap '' TERM; sleep 1000; :) & echo $! > timeout.pid; echo on; sleep 1000; sleep 1000";
    // How long a shell takes to come so far is the machine's matter.
    for (const timeoutMs of [500, 2_000, 10_000]) {
      const command = start(run, { timeoutMs });
      const first = await command.started;
      const ended = await command.done;
      expect(ended).toMatchObject({ outcome: "timed_out", leftRunning: [] });
      expect(await isAlive(first ?? 0)).toBe(false);
      if (ended.tail === "") continue;
      expect(ended.durationMs).toBeGreaterThanOrEqual(timeoutMs + 200);
      expect(await isAlive(await pidIn("timeout.pid"))).toBe(false);
      return;
    }
    throw new Error("no shell comes so far within ten seconds");
  });

  test("the grace lets a command clean up", async () => {
    const run = "trap 'echo cleaned; exit 0' TERM; echo $$ > clean.pid; while :; do sleep 0.02; done";
    const command = start(run, { graceMs: 10_000 });
    await pidIn("clean.pid");
    command.cancel("enough");
    command.cancel("a second time");
    expect(await command.done).toMatchObject({
      outcome: "cancelled",
      reason: "enough",
      tail: expect.stringContaining("cleaned\n"),
    });
  });

  test("cancelled before it could start", async () => {
    const command = start("echo ran > never");
    command.cancel("at once");
    expect(await command.done).toMatchObject({ outcome: "cancelled", reason: "at once", leftRunning: [] });
    await expect(stat(join(directory, "never"))).rejects.toMatchObject({ code: "ENOENT" });
    command.cancel("after the end");
  });

  test("background processes of a command are ended, and do not hold its output open", async () => {
    const command = start("sleep 1000 & echo $! > left.pid; echo done");
    expect(await command.done).toMatchObject({ outcome: "exited", code: 0, tail: "done\n", leftRunning: [] });
    expect(await isAlive(await pidIn("left.pid"))).toBe(false);
  });

  test.skipIf(!linux)("also what left the group by setsid, and what lost its parents as daemons do", async () => {
    const run = "(setsid sh -c 'echo $$ > daemon.pid; exec sleep 1000' &) ; while ! test -s daemon.pid; do :; done";
    const command = start(run);
    expect(await command.done).toMatchObject({ outcome: "exited", code: 0, leftRunning: [] });
    expect(await isAlive(await pidIn("daemon.pid"))).toBe(false);
  });

  test.skipIf(!linux)("also what left the group and cleared its environment, while its parents live", async () => {
    const run = "setsid env -i /bin/sh -c 'echo $$ > bare.pid; exec /bin/sleep 1000' & wait";
    const command = start(run);
    const pid = await pidIn("bare.pid");
    expect(await isAlive(pid)).toBe(true);
    command.cancel("enough");
    expect(await command.done).toMatchObject({ outcome: "cancelled", leftRunning: [] });
    expect(await isAlive(pid)).toBe(false);
  });

  test.skipIf(!linux)("a runner that is killed: the server ends the command and says so", async () => {
    const command = start("trap '' TERM; setsid sleep 1000 & echo $! > orphan.pid; sleep 1000; sleep 1000");
    const pids = [await command.started, await pidIn("orphan.pid")];
    process.kill(command.runnerPid ?? 0, "SIGKILL");
    const ended = await command.done;
    expect(ended).toMatchObject({ outcome: "lost", error: expect.stringContaining("SIGKILL"), leftRunning: [] });
    for (const pid of pids) expect(await isAlive(pid ?? 0)).toBe(false);
  });

  test.skipIf(!linux)("a runner that hangs is killed, and its command with it", async () => {
    const command = startCommand(specOf("sleep 1000", { graceMs: 0 }), { marginMs: 100 });
    running.add(command);
    const pid = await command.started;
    process.kill(command.runnerPid ?? 0, "SIGSTOP");
    command.cancel("enough");
    expect(await command.done).toMatchObject({ outcome: "lost", leftRunning: [] });
    expect(await isAlive(pid ?? 0)).toBe(false);
  });

  test("a runner that another process tells to end ends its command first", async () => {
    const command = start("echo here; sleep 1000");
    const pid = await command.started;
    process.kill(command.runnerPid ?? 0, "SIGTERM");
    expect(await command.done).toMatchObject({ outcome: "lost", error: "the runner was ended with SIGTERM" });
    expect(await isAlive(pid ?? 0)).toBe(false);
  });

  test.skipIf(!linux)("endCommand finds a command by its mark alone, and no other process", async () => {
    const command = start("sleep 1000");
    const other = start("sleep 1000");
    const pid = await command.started;
    const otherPid = await other.started;
    await until(
      "sh has become sleep or has started it",
      () => new ProcessTree(command.spec.mark).survivors().length > 0,
    );
    expect(await endCommand(`${command.spec.mark}0`, 0)).toEqual([]);
    expect(await isAlive(pid ?? 0)).toBe(true);
    expect(await endCommand(command.spec.mark, 200)).toEqual([]);
    expect(await command.done).toMatchObject({ outcome: "signalled" });
    expect(await isAlive(otherPid ?? 0)).toBe(true);
  });

  test("twenty at once", async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => result(`echo ${i}; exit ${i}`)));
    expect(results).toEqual(
      results.map((_, i) => expect.objectContaining({ outcome: "exited", code: i, tail: `${i}\n` })),
    );
  });
});

/** A live process; one that is dead and not yet reaped by pid 1 is none. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return status !== "" && !/^State:\s+[ZX]/m.test(status);
}
