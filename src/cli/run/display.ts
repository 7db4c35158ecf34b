import { stopwatch } from "../terminal/durations.js";
import { eventText } from "./event-text.js";
import type { RunUpdate } from "./follower.js";
import { LiveLines } from "../terminal/live.js";
import { idleText, progressLines } from "./progress.js";
import type { RunState } from "./state.js";
import { fit, type Terminal } from "../terminal/terminal.js";

/** Shows a run while it goes on. */
export interface RunDisplay {
  show(update: RunUpdate): void;
  /** Leaves the place to a question until the next `show`. */
  pause(): void;
  /** Leaves the place to what comes after. */
  close(): void;
}

export interface DisplayOptions {
  readonly table: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const REDRAW_MS = 1_000;

/** On a terminal a picture that is drawn again in place, elsewhere a line for each change. */
export function runDisplay(terminal: Terminal, options: DisplayOptions): RunDisplay {
  return terminal.live ? new LiveDisplay(terminal, options) : new LineDisplay(terminal, options);
}

class LiveDisplay implements RunDisplay {
  readonly #terminal: Terminal;
  readonly #options: DisplayOptions;
  #live: LiveLines | undefined;
  #timer: NodeJS.Timeout | undefined;
  #state: RunState | undefined;

  constructor(terminal: Terminal, options: DisplayOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  show({ state }: RunUpdate): void {
    this.#state = state;
    // Time goes by also while nothing happens.
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  pause(): void {
    clearInterval(this.#timer);
    this.#live?.close();
    this.#timer = undefined;
    this.#live = undefined;
  }

  close(): void {
    this.pause();
  }

  #draw(): void {
    if (this.#state === undefined) return;
    this.#live ??= new LiveLines(this.#terminal, () => this.#draw());
    const { style } = this.#terminal;
    const { table, now } = this.#options;
    this.#live.draw(progressLines(this.#state, { ...this.#terminal.size(), style, table, now: now() }));
  }
}

const LINE_COLUMNS_MAX = 500;

class LineDisplay implements RunDisplay {
  readonly #terminal: Terminal;
  readonly #options: DisplayOptions;
  #idleText: string | undefined;

  constructor(terminal: Terminal, options: DisplayOptions) {
    this.#terminal = terminal;
    this.#options = options;
  }

  show({ state, fresh }: RunUpdate): void {
    const startedAt = Date.parse(state.run.created_at);
    for (const { event, lastedMs } of fresh) {
      const text = eventText(event, lastedMs, this.#terminal.style);
      if (text !== undefined) this.#line(`${stopwatch(Date.parse(event.at) - startedAt)}  ${text}`);
    }
    this.#printIdle(state);
  }

  pause(): void {}

  close(): void {}

  /** Printed once for each set of tasks: a run that waits for a person or an agent must not look as if it hung. */
  #printIdle(state: RunState): void {
    const now = this.#options.now();
    const text = idleText(state, now);
    if (text !== undefined && text !== this.#idleText) {
      this.#line(`${stopwatch(now - Date.parse(state.run.created_at))}  ${text}`);
    }
    this.#idleText = text;
  }

  #line(text: string): void {
    this.#terminal.print(`${fit(text, LINE_COLUMNS_MAX)}\n`);
  }
}
