import { existsSync } from "node:fs";
import path from "node:path";

const PROGRAM = process.platform === "win32" ? "nvidia-smi.exe" : "nvidia-smi";
/** A driver that hangs leaves a machine without GPUs, rather than its callers waiting. */
const ASKED_MS = 5_000;
const BYTES_MAX = 64 * 1024;
const GPUS_MAX = 64;
const NAME_LENGTH_MAX = 60;

/** The GPUs of this machine as nvidia-smi names them. It is asked once a process, when they are first needed. */
export class NvidiaGpus {
  readonly #program: string | undefined;
  #names: readonly string[] | undefined;
  #looking: Promise<void> | undefined;

  /** `searched` are the directories of programs, as in PATH: those that are absolute count. */
  constructor(searched = process.env["PATH"] ?? "") {
    const files = searched.split(path.delimiter).map((directory) => path.join(directory, PROGRAM));
    this.#program = files.find((file) => path.isAbsolute(file) && existsSync(file));
    if (this.#program === undefined) this.#names = [];
  }

  /** One name a GPU; undefined while they are not known. */
  get names(): readonly string[] | undefined {
    return this.#names;
  }

  /** Settles when they are known. */
  look(): Promise<void> {
    this.#looking ??= this.#look();
    return this.#looking;
  }

  async #look(): Promise<void> {
    const printed = this.#program === undefined ? "" : await linesOf(this.#program);
    this.#names = printed
      .split("\n")
      .map((line) =>
        line
          .replace(/[^ -~]/g, "")
          .trim()
          .slice(0, NAME_LENGTH_MAX),
      )
      .filter((name) => name !== "")
      .slice(0, GPUS_MAX);
  }
}

/** Returns what the program prints; nothing where it fails or takes too long. */
async function linesOf(program: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    execFile(
      program,
      ["--query-gpu=name", "--format=csv,noheader"],
      { timeout: ASKED_MS, killSignal: "SIGKILL", maxBuffer: BYTES_MAX, windowsHide: true },
      (error, stdout) => resolve(error === null ? stdout : ""),
    );
  });
}
