import { readFileSync } from "node:fs";

/** A process as it was recorded: a pid is used again, its start is not. */
export interface ProcessMark {
  readonly pid: number;
  /** As `statOf` tells it. */
  readonly processStartedAt: number;
}

// USER_HZ, fixed at 100 in the kernel's interface to user space.
const MS_PER_TICK = 10;

/** Whether that very process of this machine still lives. A process that cannot be looked at counts as alive. */
export function isAlive(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const start = statOf(mark.pid)?.startedAt;
  return start === undefined || start === mark.processStartedAt;
}

/** A process as /proc/PID/stat tells of it. */
interface ProcessStat {
  readonly name: string;
  /** The third field and those after it, from `state` on (proc_pid_stat(5)). */
  readonly fields: readonly string[];
  /**
   * When it started, in milliseconds since the machine did: an instant of the wall clock would move when that is set. -1 for a zombie.
   */
  readonly startedAt: number;
}

/** Undefined where there is no /proc, or no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything; the numbered fields start behind its end.
  const [open, close] = [stat.indexOf("("), stat.lastIndexOf(")")];
  const fields = stat.slice(close + 2).split(" ");
  const isGone = fields[0] === "Z" || fields[0] === "X";
  return { name: stat.slice(open + 1, close), fields, startedAt: isGone ? -1 : Number(fields[19]) * MS_PER_TICK };
}

/** This process's own mark. Without /proc only the pid tells processes apart. */
export function ownMark(): ProcessMark {
  return { pid: process.pid, processStartedAt: statOf(process.pid)?.startedAt ?? 0 };
}

/** The text of a file; undefined where it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
