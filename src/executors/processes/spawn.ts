import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { parse } from "node:path";
import { fileURLToPath } from "node:url";
import { minimalEnvironment } from "./environment.js";

/** The compiled module of this name: beside this module, or in dist/ when this module runs from its source. */
export function compiledModule(name: "runner" | "mcp-supervisor"): string {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL(`../../../dist/lib/${name}.js`, import.meta.url));
}

/**
 * Starts a module as a process of its own, with a channel for messages. Detached: neither a Ctrl-C in the terminal nor a
 * signal to this process's group reaches it.
 */
export function spawnModule(file: string, stdio: StdioOptions): ChildProcess {
  return spawn(process.execPath, [file], {
    cwd: parse(process.execPath).root,
    env: minimalEnvironment(process.env),
    stdio,
    detached: true,
    windowsHide: true,
  });
}
