import type { TaskAnswer } from "../typed-calls.js";
import { paint, type Style, type Tone } from "./terminal.js";

type TaskStatus = TaskAnswer["status"];

interface Mark {
  readonly sign: string;
  readonly ascii: string;
  readonly tone: Tone;
  /** The state as a person says it. */
  readonly word: string;
}

const MARKS: Readonly<Record<TaskStatus, Mark>> = {
  succeeded: { sign: "✓", ascii: "+", tone: "green", word: "succeeded" },
  running: { sign: "●", ascii: "*", tone: "cyan", word: "running" },
  in_review: { sign: "◐", ascii: "?", tone: "cyan", word: "in review" },
  waiting: { sign: "◌", ascii: "~", tone: "yellow", word: "waiting" },
  ready: { sign: "○", ascii: "o", tone: "yellow", word: "ready" },
  pending: { sign: "·", ascii: ".", tone: "dim", word: "pending" },
  dead_letter: { sign: "✗", ascii: "x", tone: "red", word: "failed" },
  blocked: { sign: "⊘", ascii: "!", tone: "red", word: "blocked" },
  cancelled: { sign: "⊗", ascii: "-", tone: "dim", word: "cancelled" },
  skipped: { sign: "−", ascii: "-", tone: "dim", word: "skipped" },
};

/** The states in the order in which they are shown: from success to failure. */
export const STATUSES_SHOWN = Object.keys(MARKS) as TaskStatus[];

/** First the states that need a person's eye, then those under way, last those that are done. */
const ORDER: readonly TaskStatus[] = [
  "dead_letter",
  "running",
  "in_review",
  "waiting",
  "ready",
  "blocked",
  "pending",
  "cancelled",
];

export function rankOf(status: TaskStatus): number {
  const at = ORDER.indexOf(status);
  return at < 0 ? ORDER.length : at;
}

export function signOf(status: TaskStatus, style: Style): string {
  const { sign, ascii, tone } = MARKS[status];
  return paint(style.unicode ? sign : ascii, tone, style);
}

export function wordOf(status: TaskStatus): string {
  return MARKS[status].word;
}

export function toneOf(status: TaskStatus): Tone {
  return MARKS[status].tone;
}

const RUN_TONES: Readonly<Record<string, Tone>> = {
  succeeded: "green",
  failed: "red",
  cancelled: "yellow",
  cancelling: "yellow",
  paused: "yellow",
  running: "cyan",
};

export function toneOfRun(status: string): Tone | undefined {
  return RUN_TONES[status];
}
