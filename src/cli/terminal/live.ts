import { stripVTControlCharacters } from "node:util";
import { type Terminal, widthOf } from "./terminal.js";

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";
const ERASE_BELOW = "\u001B[0J";

/** A few lines at the end of a terminal that are drawn again in place. */
export class LiveLines {
  readonly #terminal: Terminal;
  readonly #stopResize: () => void;
  #lines: readonly string[] = [];
  #closed = false;

  constructor(terminal: Terminal, redraw: () => void) {
    this.#terminal = terminal;
    terminal.control(HIDE_CURSOR);
    this.#stopResize = terminal.onResize(redraw);
    // However the process ends, the person has their cursor back.
    process.once("exit", this.#restore);
  }

  draw(lines: readonly string[]): void {
    if (this.#closed) return;
    // In one write, so that no half-drawn picture is seen.
    this.#terminal.control(`${this.#up()}${ERASE_BELOW}`, lines.map((line) => `${line}\n`).join(""));
    this.#lines = lines;
  }

  /** Leaves the lines as they are and gives the cursor back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopResize();
    process.off("exit", this.#restore);
    this.#restore();
  }

  readonly #restore = (): void => {
    this.#terminal.control(SHOW_CURSOR);
  };

  /** To the first of the lines drawn last. A terminal made narrower since has wrapped those that are too long now. */
  #up(): string {
    const { columns } = this.#terminal.size();
    const rows = this.#lines.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(widthOf(stripVTControlCharacters(line)) / columns)),
      0,
    );
    return rows === 0 ? "" : `\u001B[${rows}F`;
  }
}
