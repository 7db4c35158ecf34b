import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { MARK_VARIABLE } from "./runner-protocol.js";

/** How long SIGKILL may take to work before a process is reported as left running. */
export const KILL_WAIT_MS = 2_000;
/** Time a server's supervisor may take beyond the time it was given. */
export const SUPERVISOR_MARGIN_MS = KILL_WAIT_MS + 1_000;
const POLL_MS_MIN = 5;
const POLL_MS_MAX = 100;

interface ProcessFacts {
  pid: number;
  parent: number;
  group: number;
  /** Ticks since boot: with the pid it names a process for good, although pids are reused. */
  startTicks: number;
  /** Dead, and only not yet reaped by its parent. */
  dead: boolean;
}

type Survivor = Pick<ProcessFacts, "pid" | "group">;

/**
 * All processes of one command. Its process group comes first; on Linux also processes that left the group (`setsid`, a
 * daemon's double fork): descendants by parent, and processes that carry the command's mark in their environment, as
 * Jenkins' ProcessTreeKiller does it. Out of reach is only a process that has left the group, has lost its parents
 * *and* has cleared or overwritten its environment; outside Linux, any process that has left the group.
 */
export class ProcessTree {
  readonly #mark: Buffer;
  readonly #group: number | undefined;
  readonly #since: number;
  readonly #members = new Map<number, number>();

  /** `group` is the pid of the command's first process, not yet reaped; without it the mark alone decides. */
  constructor(mark: string, group?: number) {
    if (mark === "" || mark.includes("\0")) throw new RangeError("a command's mark is a text without NUL");
    if (group !== undefined && (!Number.isSafeInteger(group) || group <= 1)) {
      throw new RangeError(`${group} is no process group of a command`);
    }
    this.#mark = Buffer.from(`\0${MARK_VARIABLE}=${mark}\0`);
    const leader = group === undefined || process.platform !== "linux" ? undefined : readProcess(group);
    this.#since = leader?.startTicks ?? 0;
    // Its number may have been given away already if the leader is gone: then only the mark is proof.
    this.#group = process.platform === "linux" ? leader?.pid : group;
  }

  /**
   * SIGTERM to all, SIGKILL after `graceMs` to those that stayed. Answers the pids that even that did not end, at the
   * latest `KILL_WAIT_MS` later. Processes that appear while this goes on are ended too.
   */
  async end(graceMs: number): Promise<number[]> {
    if (process.platform === "win32") return this.#endOnWindows();
    if (graceMs > 0) {
      this.#signal("SIGTERM", this.#survivors());
      if (await this.#gone(graceMs)) return [];
    }
    await this.#gone(KILL_WAIT_MS, "SIGKILL");
    return this.survivors();
  }

  /** SIGKILL to everything that can be found, now; for a process that is itself about to die. */
  killNow(): void {
    if (process.platform === "win32") this.#endOnWindows();
    else this.#signal("SIGKILL", this.#survivors());
  }

  /** The pids of the command's live processes; outside Linux the first stands for the whole group. */
  survivors(): number[] {
    return this.#survivors().map((each) => each.pid);
  }

  /**
   * The pids of the command's first process and of its descendants, found without a look at the processes of others; where the system
   * lists no children, those of `survivors`.
   */
  descendants(): number[] {
    const first = this.#group;
    if (first === undefined || readProc(`${first}/task/${first}/children`) === undefined) return this.survivors();
    const found = [first];
    for (const pid of found)
      for (const thread of threadsOf(pid)) {
        const children = readProc(`${pid}/task/${thread}/children`)?.toString("latin1") ?? "";
        found.push(...children.split(" ").filter(Boolean).map(Number));
      }
    return found;
  }

  #survivors(): Survivor[] {
    if (process.platform === "linux") return this.#survivorsOnLinux();
    const group = this.#group;
    return group !== undefined && send(-group, 0) ? [{ pid: group, group }] : [];
  }

  #survivorsOnLinux(): Survivor[] {
    const processes = liveProcesses();
    const found = new Map<number, ProcessFacts>();
    for (const each of processes) if (this.#isMember(each)) found.set(each.pid, each);
    // Parents are not always listed before their children: pids wrap around. Hence until nothing is added.
    for (let before = -1; before !== found.size;) {
      before = found.size;
      for (const each of processes) if (found.has(each.parent)) found.set(each.pid, each);
    }
    found.delete(process.pid);
    for (const each of found.values()) this.#members.set(each.pid, each.startTicks);
    return [...found.values()];
  }

  #isMember(each: ProcessFacts): boolean {
    // A process older than the command cannot belong to it; this also spares reading most environments.
    if (each.pid === process.pid || each.startTicks < this.#since) return false;
    if (each.group === this.#group || this.#members.get(each.pid) === each.startTicks) return true;
    const environment = readProc(`${each.pid}/environ`);
    return environment !== undefined && Buffer.concat([Buffer.of(0), environment]).includes(this.#mark);
  }

  #signal(signal: NodeJS.Signals, survivors: readonly Survivor[]): void {
    // The group is killed in one call, so that none of it can fork in between; then each process outside it.
    const group = this.#group;
    if (group !== undefined && survivors.some((each) => each.group === group)) send(-group, signal);
    for (const each of survivors) if (each.group !== group) send(each.pid, signal);
  }

  /** Waits until none is left, sending `signal` at every look. False: some were left when the time was over. */
  async #gone(waitMs: number, signal?: NodeJS.Signals): Promise<boolean> {
    const deadline = performance.now() + waitMs;
    let pollMs = POLL_MS_MIN;
    for (;;) {
      const survivors = this.#survivors();
      // A fork in the midst of the first look may have escaped it; its child cannot escape the second.
      if (survivors.length === 0 && this.#survivors().length === 0) return true;
      if (signal !== undefined) this.#signal(signal, survivors);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return false;
      await new Promise((resolve) => setTimeout(resolve, Math.min(pollMs, leftMs)));
      pollMs = Math.min(pollMs * 2, POLL_MS_MAX);
    }
  }

  #endOnWindows(): number[] {
    if (this.#group === undefined) return [];
    spawnSync("taskkill", ["/pid", String(this.#group), "/T", "/F"], { windowsHide: true });
    return send(this.#group, 0) ? [this.#group] : [];
  }
}

/** False when there is no such process any more. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ESRCH") return false;
    // Another user's (sudo): it cannot be ended from here, is still there, and is reported so.
    if (code === "EPERM") return true;
    throw error;
  }
}

function liveProcesses(): ProcessFacts[] {
  const processes: ProcessFacts[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const facts = readProcess(pid);
    if (facts?.dead === false) processes.push(facts);
  }
  return processes;
}

/** The threads of a process; none where it is gone. */
function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Undefined for a process that is gone. Format: proc_pid_stat(5). */
function readProcess(pid: number): ProcessFacts | undefined {
  const stat = readProc(`${pid}/stat`)?.toString("latin1");
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses and may hold anything, parentheses included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const dead = fields[0] === "Z" || fields[0] === "X" || fields[0] === "x";
  return { pid, parent: Number(fields[1]), group: Number(fields[2]), startTicks: Number(fields[19]), dead };
}

/** Undefined where there is no such file: the process has ended, it is another user's, or this is not Linux. */
function readProc(path: string): Buffer | undefined {
  try {
    return readFileSync(`/proc/${path}`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}
