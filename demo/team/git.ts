import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const TRIES_MAX = 50;
const PAUSE_MS = 100;

export interface GitPlace {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs git, and returns what it prints. Clients share the index: git refuses the second for the moment that the first writes it. */
export async function runGit(args: readonly string[], place: GitPlace): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await promisify(execFile)("git", args, place)).stdout;
    } catch (error) {
      if (tries === TRIES_MAX || !String(error).includes("index.lock")) throw error;
      await pause(PAUSE_MS);
    }
  }
}
