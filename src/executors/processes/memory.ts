import { readFileSync } from "node:fs";

/** Between two looks at the memory of a command: what it takes in between, it takes. */
const LOOK_EVERY_MS = 250;
/** Until the first look: many commands are over soon. Each next one comes after twice the time, until they come at their pace. */
const FIRST_LOOK_MS = 50;
/** Looks take at most one part in so many of the time. */
const LOOKS_SHARE = 20;

export interface MemoryWatch {
  /** Ends the watch. Returns the most that was seen, in bytes; undefined where no look was in time. */
  stop(): number | undefined;
}

/** Looks at the memory of processes, and calls `over` once where it is more than they may have. Linux alone says what they have. */
export function watchMemory(
  processes: () => readonly number[],
  bytesMax: number,
  over: (bytes: number) => void,
): MemoryWatch {
  if (process.platform !== "linux") return { stop: () => undefined };
  let everyMs = FIRST_LOOK_MS;
  let peak = 0;
  let timer: NodeJS.Timeout;
  const next = (ms: number) => (timer = setTimeout(look, ms));
  const look = () => {
    const startedAt = performance.now();
    try {
      peak = Math.max(peak, memoryOf(processes(), peak));
    } catch {
      // A look for which this process had too many files open: the next one may see.
    }
    if (peak > bytesMax) return over(peak);
    everyMs = Math.min(2 * everyMs, LOOK_EVERY_MS);
    // On a machine with very many processes a look takes long, and is had less often.
    next(Math.max(everyMs, LOOKS_SHARE * (performance.now() - startedAt)));
  };
  next(everyMs);
  return {
    stop() {
      clearTimeout(timer);
      return peak === 0 ? undefined : peak;
    },
  };
}

/** Pages that processes share count for each of them at first: exactly only where that would be more than was seen before. */
function memoryOf(pids: readonly number[], seen: number): number {
  const rough = sumOf(pids, privateBytes);
  return rough <= seen ? rough : sumOf(pids, sharedOutBytes);
}

/** Linux counts the processor time of processes in ticks of so many ms. */
const TICK_MS = 10;

/** Processor time of all ended processes that this one has waited for, and of those that they have, in ms; undefined where the system does not say. */
export function childrenCpuMs(): number | undefined {
  const stat = process.platform === "linux" ? textOf("self", "stat") : "";
  // The name before, in parentheses, may hold anything; of the fields after it, the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[13]) + Number(fields[14]);
  return Number.isFinite(ticks) ? ticks * TICK_MS : undefined;
}

function sumOf(pids: readonly number[], bytesOf: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + bytesOf(pid), 0);
}

/** Memory of a process that is in no file. */
function privateBytes(pid: number): number {
  return kilobytesIn(pid, "status", /^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm) * 1_024;
}

/** Memory of a process that is in no file, with its part of the pages that it shares. */
function sharedOutBytes(pid: number): number {
  return kilobytesIn(pid, "smaps_rollup", /^Pss_(?:Anon|Shmem):\s+(\d+) kB$/gm) * 1_024;
}

function kilobytesIn(pid: number, name: string, line: RegExp): number {
  return [...textOf(pid, name).matchAll(line)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0);
}

/** The text of a file of a process; empty where it has ended, or is another user's. */
function textOf(pid: number | "self", name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return "";
  }
}
