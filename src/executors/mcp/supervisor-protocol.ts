/**
 * What the server and a keeper say to each other over the keeper's IPC channel; see mcp-keeper.ts. Nothing but types stands
 * here, because the keeper must start fast.
 */
export interface KeeperJob {
  /** Marks every process of the server; see `MARK_VARIABLE`. */
  mark: string;
  command: string;
  args: readonly string[];
  /** All of the server's environment. */
  env: Record<string, string>;
  /** Absolute. */
  cwd: string;
}

/** `graceMs`: from now to the last of its processes. */
export type ToKeeper = { kind: "run"; job: KeeperJob } | { kind: "end"; graceMs: number };

export type FromKeeper =
  | { kind: "started"; pid: number }
  | { kind: "not_started"; error: string }
  /** `how`: `exit code 1`, `SIGKILL`. */
  | { kind: "ended"; how: string };
