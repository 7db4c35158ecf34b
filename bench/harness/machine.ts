import Database from "better-sqlite3";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";

/** The machine on which the figures were measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly sqlite: string;
  readonly loadAtStart: readonly number[];
}

export function thisMachine(): Machine {
  const database = new Database(":memory:");
  const sqlite = String(database.prepare("SELECT sqlite_version()").pluck().get());
  database.close();
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    sqlite,
    loadAtStart: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

/** Names a result file: machines of one kind can be compared. */
export function kindOf(machine: Machine): string {
  return `${platform()}-${arch()}-${machine.cores}cpu`;
}
