import { readFileSync } from "node:fs";

/** A process as it was recorded: a pid is used again, its start is not. */
export interface ProcessMark {
  readonly pid: number;
  /** As `startOf` gives it. */
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
  const start = startOf(mark.pid);
  return start === undefined || start === mark.processStartedAt;
}

/**
 * When a process started, in milliseconds since the machine did: an instant of the wall clock would move when that is set.
 * Undefined where there is no /proc; -1 for a zombie.
 */
function startOf(pid: number): number | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold anything; the numbered fields start behind its end, with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return -1;
  return Number(fields[19]) * MS_PER_TICK;
}

/** This process's own mark. Without /proc only the pid tells processes apart. */
export function ownMark(): ProcessMark {
  return { pid: process.pid, processStartedAt: startOf(process.pid) ?? 0 };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
