import { spawnSync } from "node:child_process";
import type { Shell } from "./runner-protocol.js";

const SH = process.platform === "win32" ? "sh" : "/bin/sh";

let sh: readonly [program: string, ...args: string[]] | undefined;

/**
 * Returns how a shell is started so that a line fails with the first command in it that fails. Some shells cannot tell that of a pipe
 * (dash before 0.5.13): it is asked once, since that starts a process.
 */
export function shellOf(shell: Shell): readonly [program: string, ...args: string[]] {
  if (shell === "bash") return ["bash", "-eo", "pipefail", "-c"];
  return (sh ??= hasPipefail() ? [SH, "-eo", "pipefail", "-c"] : [SH, "-e", "-c"]);
}

function hasPipefail(): boolean {
  return spawnSync(SH, ["-o", "pipefail", "-c", ":"], { stdio: "ignore" }).status === 0;
}
