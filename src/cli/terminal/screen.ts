import { stripVTControlCharacters } from "node:util";
import { fit, type Terminal, widthOf } from "./terminal.js";

const ENTER = "\u001B[?1049h\u001B[?25l";
const LEAVE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";

/** The whole of a terminal, drawn again in place. What stood there comes back when it is left. */
export class Screen {
  readonly #terminal: Terminal;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  enter(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#terminal.control(ENTER);
    // However the process ends, the person has their screen back.
    process.once("exit", this.#restore);
  }

  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#restore);
    this.#restore();
  }

  /** Draws as many lines as there is room for, with the one at this place among them, and another at the foot. */
  draw(lines: readonly string[], { foot, place }: { readonly foot: string; readonly place: number }): void {
    if (!this.#isOpen) return;
    const { columns, rows } = this.#terminal.size();
    const room = Math.max(0, rows - 1);
    const from = Math.max(0, place - room + 1);
    const shown = lines.slice(from, from + room);
    while (shown.length < room) shown.push("");
    // In one write, so that no half-drawn screen is seen.
    this.#terminal.control(HOME, [...shown, foot].map((line) => filled(line, columns)).join("\n"));
  }

  readonly #restore = (): void => this.#terminal.control(LEAVE);
}

/** A line as wide as the terminal. One that is too long loses its colours with its end. */
function filled(line: string, columns: number): string {
  const bare = stripVTControlCharacters(line);
  const short = fit(bare, columns);
  return `${short === bare ? line : short}${" ".repeat(Math.max(0, columns - widthOf(short)))}`;
}
