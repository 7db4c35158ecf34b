import { readFileSync } from "node:fs";

/** Between two looks at the memory of a command: what it takes in between, it takes. */
const LOOK_EVERY_MS = 250;
/** Looks take at most one part in so many of the time. */
const LOOKS_SHARE = 20;

/** Calls `over` once where processes have more memory than they may. Linux alone says what they have. Returns what ends the watch. */
export function watchMemory(
  bytesMax: number,
  processes: () => readonly number[],
  over: (bytes: number) => void,
): () => void {
  if (process.platform !== "linux") return () => {};
  let timer: NodeJS.Timeout;
  const next = (ms: number) => (timer = setTimeout(look, ms));
  const look = () => {
    const startedAt = performance.now();
    let bytes = 0;
    try {
      bytes = memoryOf(processes(), bytesMax);
    } catch {
      // A look for which this process had too many files open: the next one may see.
    }
    if (bytes > bytesMax) over(bytes);
    // On a machine with very many processes a look takes long, and is had less often.
    else next(Math.max(LOOK_EVERY_MS, LOOKS_SHARE * (performance.now() - startedAt)));
  };
  next(LOOK_EVERY_MS);
  return () => clearTimeout(timer);
}

/** Pages that processes share count for each of them at first: exactly only where that would be too much. */
function memoryOf(pids: readonly number[], bytesMax: number): number {
  const rough = sumOf(pids, privateBytes);
  return rough <= bytesMax ? rough : sumOf(pids, sharedOutBytes);
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
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    // It has ended, or is another user's.
    return 0;
  }
  return [...text.matchAll(line)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes), 0);
}
