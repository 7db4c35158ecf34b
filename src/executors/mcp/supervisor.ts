/**
 * The supervisor: a small process between Baton and one MCP server over stdio. The server's streams are its own, handed on, so
 * that nothing is copied. It owns the server's process group and ends all of it when it is told to, when the server itself
 * has ended and left something behind, and when its channel to Baton closes: the kernel closes that however Baton dies,
 * `kill -9` included.
 *
 * It is started by mcp-stdio.ts, never by hand, and loads next to nothing so that it starts fast.
 */
import { spawn } from "node:child_process";
import type { FromSupervisor, SupervisorJob, ToSupervisor } from "./supervisor-protocol.js";
import { ProcessTree } from "../processes/process-tree.js";
import { EXIT_SOFTWARE, MARK_VARIABLE } from "../processes/runner-protocol.js";

/** For a server whose Baton is gone: it may put things in order. */
const ORPHAN_GRACE_MS = 2_000;

let tree: ProcessTree | undefined;
let exited: Promise<void> | undefined;
let ending = false;

function run(job: SupervisorJob): void {
  const child = spawn(job.command, job.args, {
    cwd: job.cwd,
    env: { ...job.env, [MARK_VARIABLE]: job.mark },
    stdio: "inherit",
    // It leads a process group of its own.
    detached: true,
    windowsHide: true,
  });
  // Before anything is awaited: the first process must not be reaped yet, or its start would be unknown.
  if (child.pid !== undefined) tree = new ProcessTree(job.mark, child.pid);
  child.once("spawn", () => say({ kind: "started", pid: child.pid ?? 0 }));
  child.once("error", (error) => {
    say({ kind: "not_started", error: error.message }, () => process.exit(0));
  });
  exited = new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      resolve();
      void leave(signal ?? `exit code ${code}`);
    });
  });
}

/** Ends the processes that the server has left. */
async function leave(how: string): Promise<void> {
  await tree?.end(0);
  say({ kind: "ended", how }, () => process.exit(0));
}

/** Its input has ended, at which a server should end by itself; then SIGTERM, then SIGKILL. */
async function end(graceMs: number): Promise<void> {
  if (ending) return;
  ending = true;
  const half = graceMs / 2;
  await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, half))]);
  await tree?.end(half);
  // Of one that ran, `exit` says the rest.
  if (tree === undefined) process.exit(0);
}

function say(message: FromSupervisor, then: () => void = () => {}): void {
  // A Baton that is gone is told nothing; that it is gone is noticed by the `disconnect` below.
  if (process.send === undefined || !process.connected) then();
  else process.send(message, undefined, undefined, then);
}

process.on("message", (message: ToSupervisor) => {
  if (message.kind === "run") run(message.job);
  else void end(message.graceMs);
});
process.on("disconnect", () => void end(ORPHAN_GRACE_MS));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end(ORPHAN_GRACE_MS));
// After any error here, the server must not outlive its supervisor.
process.on("uncaughtException", () => {
  tree?.killNow();
  process.exit(EXIT_SOFTWARE);
});
