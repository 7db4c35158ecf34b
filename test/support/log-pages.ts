import { statSync } from "node:fs";

/** Pages of SQLite's log per unit, from how far the log of a freshly opened file grows. `units` are few, so that none is written over. */
export function logPagesPer(units: number, file: string): number {
  const pages = (statSync(`${file}-wal`).size - LOG_HEAD_BYTES) / LOG_PAGE_BYTES;
  return Math.round((pages * 10) / units) / 10;
}

const LOG_HEAD_BYTES = 32;
/** A page and its own head. */
const LOG_PAGE_BYTES = 4_096 + 24;
