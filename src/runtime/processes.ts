import { readFileSync } from "node:fs";

/** A process as it was recorded: a pid is used again, its start time is not. */
export interface ProcessMark {
  readonly pid: number;
  /** Milliseconds since the epoch, as the process itself saw its start. */
  readonly processStartedAt: number;
}

// The kernel's tick and the boot time it is counted from are coarse.
const START_TOLERANCE_MS = 3_000;
// USER_HZ, fixed at 100 in the kernel's interface to user space.
const TICKS_PER_SECOND = 100;

/** Whether that very process of this machine still lives. A process that cannot be looked at counts as alive. */
export function isAlive(mark: ProcessMark): boolean {
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const startedAt = startOf(mark.pid);
  return startedAt === undefined || Math.abs(startedAt - mark.processStartedAt) <= START_TOLERANCE_MS;
}

/** When a process started, in milliseconds since the epoch; undefined where there is no /proc. A zombie counts as gone. */
function startOf(pid: number): number | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const boot = /^btime (\d+)$/m.exec(readIfThere("/proc/stat") ?? "")?.[1];
  if (stat === undefined || boot === undefined) return undefined;
  // The name in parentheses may hold anything; the numbered fields start behind its end, with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return 0;
  return Number(boot) * 1000 + (Number(fields[19]) / TICKS_PER_SECOND) * 1000;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
