import { readFileSync } from "node:fs";
import { until } from "../until.js";

/** The byte of a database's `-shm` file that a writer has locked from BEGIN to COMMIT (SQLite's `WAL_WRITE_LOCK`). */
const WRITE_LOCK = 120;

/**
 * Stops a process with SIGSTOP between two write transactions. A process that is stopped within one keeps SQLite's write lock, so
 * that all others wait for it: it is then let go on and stopped again. Linux only.
 */
export async function stopBetweenWrites(pid: number): Promise<void> {
  await until(`process ${pid} is stopped between two writes`, async () => {
    process.kill(pid, "SIGSTOP");
    await until(`process ${pid} is stopped`, () => isStopped(pid));
    if (!isWriting(pid)) return true;
    process.kill(pid, "SIGCONT");
    return false;
  });
}

function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

function isWriting(pid: number): boolean {
  const lock = new RegExp(String.raw`WRITE +${pid} \S+ ${WRITE_LOCK} ${WRITE_LOCK}$`, "m");
  return lock.test(readFileSync("/proc/locks", "latin1"));
}
