import type { Board } from "./show/board.js";
import { seconds } from "./story.js";
import type { Finding } from "./verdict.js";

interface EndingParts {
  readonly board: Board;
  /** A demo that hangs ends after so long, as failed. */
  readonly limitMs: number;
  /** Where everything is kept that a failed demo leaves. */
  readonly directory: string;
  /** Ends all processes of the demo. */
  readonly stop: () => Promise<void>;
}

/** The end of a demo: by its verdict, or early by a signal, an error or its time limit. */
export class Ending {
  readonly #parts: EndingParts;
  readonly #start = Date.now();
  #isGivenUp = false;

  constructor(parts: EndingParts) {
    this.#parts = parts;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => void this.giveUp(`stopped by ${signal}`));
    setTimeout(() => void this.giveUp(`no end after ${seconds(parts.limitMs)}`), parts.limitMs).unref();
  }

  /** Ends all and says why; only the first reason counts, the others follow from it. */
  async giveUp(error: unknown): Promise<void> {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    const { board, stop, directory } = this.#parts;
    board.close();
    await stop();
    board.line();
    board.line(board.ink("red", `demo failed: ${error instanceof Error ? error.message : String(error)}`));
    board.line(`Everything is kept in ${directory}`);
    process.exit(1);
  }

  /** Prints whether all findings hold, and sets the exit code by it. */
  pronounce(findings: readonly Finding[], facts?: string): void {
    const { board } = this.#parts;
    const broken = findings.filter(({ holds }) => !holds);
    const passed = [`demo passed in ${seconds(Date.now() - this.#start)}`, ...(facts === undefined ? [] : [facts])];
    board.line();
    board.line(
      broken.length === 0
        ? board.ink("green", passed.join(": "))
        : board.ink("red", `demo failed: ${broken.map(({ text }) => text).join("; ")}`),
    );
    process.exitCode = broken.length === 0 ? 0 : 1;
  }
}
