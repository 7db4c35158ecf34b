/**
 * The runner: a small process between the server and one command. It owns the command's process group and ends all of
 * it when it is told to, when the time is over, when the command itself has ended and left something behind, and when
 * its channel to the server closes: the kernel closes that however the server dies, `kill -9` included.
 *
 * It is started by `startCommand` in process.ts, never by hand, and loads next to nothing so that it starts fast.
 */
import { type ChildProcess, spawn, spawnSync, type StdioOptions } from "node:child_process";
import { closeSync, constants, openSync, rmSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { TIMER_MS_MAX } from "./limit.js";
import { childrenCpuMs, watchMemory } from "./memory.js";
import { OutputFile, withoutOutput } from "./output.js";
import { ProcessTree } from "./process-tree.js";
import {
  type CommandOutcome,
  type CommandResult,
  EXIT_SOFTWARE,
  type FromRunner,
  MARK_VARIABLE,
  RUNNER_PROTOCOL,
  type RunnerJob,
  type ToRunner,
} from "./runner-protocol.js";

/** For what is still in the pipe when every process that could be found has ended. */
const DRAIN_MS = 2_000;

let tree: ProcessTree | undefined;
let stopped: CommandOutcome | undefined;
let graceMs: number | undefined;
let wake: (outcome: CommandOutcome) => void = () => {};
const stopRequested = new Promise<CommandOutcome>((resolve) => (wake = resolve));

/** The first reason counts. */
function stop(outcome: CommandOutcome): void {
  stopped ??= outcome;
  wake(stopped);
}

async function execute(job: RunnerJob): Promise<CommandResult> {
  if (statSync(job.cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return withoutOutput({ outcome: "not_started", error: `${job.cwd} is not a directory` });
  }
  let output: OutputFile;
  try {
    output = await OutputFile.create(job.outputFile, job);
  } catch (error) {
    return withoutOutput({ outcome: "not_started", error: `no output file: ${text(error)}` });
  }
  // Told to stop before there was anything to stop.
  if (stopped !== undefined) return withoutOutput(stopped);
  const startedAt = performance.now();
  const cpuBefore = childrenCpuMs();
  let command: Command;
  try {
    command = await start(job);
  } catch (error) {
    return withoutOutput({ outcome: "not_started", error: text(error) });
  }
  void report({ protocol: RUNNER_PROTOCOL, kind: "started", pid: command.pid });
  const { stdout, others } = command;
  const copies = others.map((stream) => output.copy(stream));
  if (stdout !== undefined) copies.push(output.copyStdout(stdout, job.stdoutBytesMax ?? 0));
  const copied = Promise.all(copies).then(() => true);
  const timer = setTimeout(() => stop({ outcome: "timed_out" }), Math.min(job.timeoutMs, TIMER_MS_MAX));
  const { memoryBytesMax = Infinity } = job;
  // A limit holds for all processes that can be found; what is only to be known costs less.
  const processes = () => (memoryBytesMax === Infinity ? command.tree.descendants() : command.tree.survivors());
  const memory = watchMemory(processes, memoryBytesMax, (bytes) => stop({ outcome: "over_memory", bytes }));
  const outcome = await Promise.race([command.exited, stopRequested]);
  clearTimeout(timer);
  const memoryBytes = memory.stop();
  const exitedAt = performance.now();
  const leftRunning = await command.tree.end(graceMs ?? job.graceMs);
  const complete = await Promise.race([copied, after(DRAIN_MS, false)]);
  const durationMs = Math.round((outcome === stopped ? performance.now() : exitedAt) - startedAt);
  const facts = output.facts(complete);
  await output.close();
  const consumed = { ...(memoryBytes !== undefined && { memoryBytes }), ...cpuSince(cpuBefore) };
  return { ...outcome, ...facts, ...consumed, durationMs, leftRunning };
}

function cpuSince(before: number | undefined): { cpuMs?: number } {
  const now = childrenCpuMs();
  return now === undefined || before === undefined ? {} : { cpuMs: now - before };
}

interface Command {
  pid: number;
  tree: ProcessTree;
  exited: Promise<CommandOutcome>;
  /** Where it is kept apart. */
  stdout: AsyncIterable<Buffer> | undefined;
  others: readonly AsyncIterable<Buffer>[];
}

/** Errors: those of spawn, as when the shell is missing or arguments and environment are too long. */
async function start(job: RunnerJob): Promise<Command> {
  const pipe = openPipe(`${job.outputFile}.pipe`);
  const apart = job.stdoutBytesMax === undefined || pipe === undefined ? pipe : openPipe(`${job.outputFile}.pipe`);
  const [program, ...args] = job.shell;
  let child: ChildProcess;
  try {
    const stdio: StdioOptions = ["ignore", apart?.write ?? "pipe", pipe?.write ?? "pipe"];
    const env = { ...job.env, [MARK_VARIABLE]: job.mark };
    // detached: the command leads a session and a process group of its own.
    child = spawn(program, [...args, job.run], { cwd: job.cwd, env, stdio, detached: true, windowsHide: true });
  } finally {
    // While this end is open here, the other never reads an end.
    for (const { write } of new Set([pipe ?? [], apart ?? []].flat())) closeSync(write);
  }
  const exited = new Promise<CommandOutcome>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { outcome: "exited", code: code ?? 0 } : { outcome: "signalled", signal }),
    );
  });
  // Before anything is awaited: the first process must not be reaped yet, or its start would be unknown.
  if (child.pid !== undefined) tree = new ProcessTree(job.mark, child.pid);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  if (child.pid === undefined || tree === undefined) throw new Error("the command has no process");
  const [stdout, stderr] = [apart?.read ?? child.stdout, pipe?.read ?? child.stderr];
  const others = [...new Set(job.stdoutBytesMax === undefined ? [stdout, stderr] : [stderr])];
  return {
    pid: child.pid,
    tree,
    exited,
    stdout: job.stdoutBytesMax === undefined ? undefined : (stdout ?? undefined),
    others: others.filter((stream) => stream !== null),
  };
}

/**
 * A real pipe for stdout and stderr together. What Node gives a child instead are two sockets: the order between them
 * is lost, and `> /dev/stderr`, usual in scripts, fails on a socket (nodejs/node#21941). Node cannot make a pipe, but
 * open one by name. Undefined where the system or the file system has none: then Node's sockets must do.
 */
function openPipe(path: string): { read: Socket; write: number } | undefined {
  if (process.platform === "win32" || spawnSync("mkfifo", ["-m", "600", path]).status !== 0) return undefined;
  try {
    const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const write = openSync(path, constants.O_WRONLY);
    return { read: new Socket({ fd: read, readable: true, writable: false }), write };
  } finally {
    rmSync(path);
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value));
}

function report(message: FromRunner): Promise<void> {
  // A server that is gone is told nothing; that it is gone is noticed by the `disconnect` below.
  if (process.send === undefined || !process.connected) return Promise.resolve();
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

async function run(job: RunnerJob): Promise<void> {
  const result = await execute(job);
  await report({ protocol: RUNNER_PROTOCOL, kind: "ended", result });
  process.exit(0);
}

process.on("message", (message: ToRunner) => {
  if (message.kind === "run") {
    void run(message.job);
  } else {
    graceMs = message.graceMs;
    stop({ outcome: "cancelled", reason: message.reason });
  }
});
process.on("disconnect", () => stop({ outcome: "cancelled", reason: "the server is gone" }));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => stop({ outcome: "lost", error: `the runner was ended with ${signal}` }));
}
// After any error here, the command must not outlive its runner.
process.on("uncaughtException", (error) => {
  tree?.killNow();
  process.stderr.write(`${error.stack ?? error.message}\n`, () => process.exit(EXIT_SOFTWARE));
});
