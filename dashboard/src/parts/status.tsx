import type { ReactNode } from "react";
import type { ResultOf } from "../data/client.js";

export type RunStatus = ResultOf<"get_run">["run"]["status"];
export type TaskStatus = ResultOf<"get_task">["task"]["status"];

/** Tones are what a status means for a person; colours belong to tones, and each has a shape for eyes that see no colour. */
export type Tone = "idle" | "ready" | "active" | "waiting" | "good" | "bad" | "off";

export const TASK_TONES: Readonly<Record<TaskStatus, Tone>> = {
  pending: "idle",
  ready: "ready",
  running: "active",
  waiting: "waiting",
  in_review: "waiting",
  succeeded: "good",
  skipped: "off",
  blocked: "bad",
  cancelled: "off",
  dead_letter: "bad",
};

const RUN_TONES: Readonly<Record<RunStatus, Tone>> = {
  planning: "active",
  running: "active",
  paused: "waiting",
  succeeded: "good",
  failed: "bad",
  cancelling: "off",
  cancelled: "off",
  compensating: "waiting",
  compensated: "off",
};

const SHAPES: Readonly<Record<Tone, ReactNode>> = {
  idle: <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.4 2" />,
  ready: <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.8" />,
  active: (
    <>
      <circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" strokeWidth="1.8" />
      <path d="M8 4.6a3.4 3.4 0 0 1 0 6.8z" fill="currentColor" />
    </>
  ),
  waiting: <path d="M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z" fill="currentColor" />,
  good: <path d="m3.5 8.4 3 3 6-6.6" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
  bad: <path d="m4.2 4.2 7.6 7.6m0-7.6-7.6 7.6" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
  off: <path d="M3.5 8h9" stroke="currentColor" strokeWidth="2" strokeLinecap="round" />,
};

/** The word of a status, as it is read. */
export function wordOf(status: string): string {
  return status.replaceAll("_", " ");
}

interface StatusProps {
  readonly tone: Tone;
  readonly word: string;
}

function Status({ tone, word }: StatusProps): ReactNode {
  return (
    <span className={`status tone-${tone}`}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        {SHAPES[tone]}
      </svg>
      {word}
    </span>
  );
}

export function TaskState({ status }: { readonly status: TaskStatus }): ReactNode {
  return <Status tone={TASK_TONES[status]} word={wordOf(status)} />;
}

export function RunState({ status }: { readonly status: RunStatus }): ReactNode {
  return <Status tone={RUN_TONES[status]} word={wordOf(status)} />;
}
