import { type Note, seconds, type Story, type Tone } from "../story.js";

/** A terminal, or a file or pipe where `columns` is undefined. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export type Ink = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
const CODES: Readonly<Record<Ink, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const TONES: Readonly<Record<Tone, Ink | undefined>> = {
  plain: undefined,
  good: "green",
  bad: "red",
  notice: "yellow",
};

const NAME_WIDTH = 12;
const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const COLUMNS_MIN = 40;
/** From here on there is room for a bar beside the figures. */
const COLUMNS_WIDE = 64;

/**
 * Shows a run as it goes: a line for each thing that happens, and on a terminal, below them, a board of who does what that
 * is drawn anew in its place.
 */
export class Board {
  readonly #screen: Screen;
  readonly #colours: boolean;
  readonly #start: number;
  #story: Story | undefined;
  #agents: readonly string[] = [];
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen, start: number) {
    this.#screen = screen;
    this.#start = start;
    this.#colours = screen.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
  }

  /** Begins to show the board of these agents. */
  open(story: Story, agents: readonly string[]): void {
    this.#story = story;
    this.#agents = agents;
    if (this.#screen.isTTY !== true) return;
    this.#timer = setInterval(() => this.#redraw(""), REDRAW_MS);
    this.#screen.write("\x1b[?25l");
  }

  close(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#screen.write(`${this.#erase()}\x1b[?25h`);
    this.#drawn = 0;
  }

  note({ at, agent, text, tone }: Note): void {
    const time = ((at - this.#start) / 1000).toFixed(1).padStart(6);
    const ink = TONES[tone];
    this.line(`${this.ink("dim", `${time} s`)}  ${agent.padEnd(NAME_WIDTH)} ${ink ? this.ink(ink, text) : text}`);
  }

  line(text = ""): void {
    this.#redraw(`${text}\n`);
  }

  ink(ink: Ink, text: string): string {
    return this.#colours ? `\x1b[${CODES[ink]}m${text}\x1b[0m` : text;
  }

  #redraw(above: string): void {
    if (this.#timer === undefined) {
      this.#screen.write(above);
      return;
    }
    const lines = this.#lines();
    this.#screen.write(`${this.#erase()}${above}${lines.map((line) => `${line}\n`).join("")}`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    return this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A\x1b[0J`;
  }

  #lines(): string[] {
    const story = this.#story;
    if (!story) return [];
    const elapsed = seconds(Date.now() - this.#start).padStart(8);
    const figures = `${story.done} of ${story.total} tasks done`;
    const bar = this.#bar(story.total === 0 ? 0 : story.done / story.total);
    const head = `${elapsed}  ${this.#room >= COLUMNS_WIDE ? `${bar}  ` : ""}${figures}`;
    return ["", head, ...this.#agents.map((agent) => this.#agentLine(story, agent))];
  }

  #agentLine(story: Story, agent: string): string {
    const name = `${" ".repeat(10)}${agent.padEnd(NAME_WIDTH)} `;
    if (story.killedAt > story.restartedAt) return `${name}${this.ink("red", "killed")}`;
    const work = story.current(agent);
    if (!work) return `${name}${this.ink("dim", "waits for work")}`;
    const wanted = story.waitsFor(agent);
    const doing =
      wanted === undefined ? `${work.stint.key} ${work.percent} %` : `${work.stint.key}, waits for ${wanted}`;
    return `${name}${this.ink("cyan", doing.slice(0, this.#room - name.length - 1))}`;
  }

  get #room(): number {
    return Math.max(COLUMNS_MIN, this.#screen.columns ?? 0);
  }

  #bar(part: number): string {
    const full = Math.round(BAR_WIDTH * part);
    return `${this.ink("green", "█".repeat(full))}${this.ink("dim", "░".repeat(BAR_WIDTH - full))}`;
  }
}
