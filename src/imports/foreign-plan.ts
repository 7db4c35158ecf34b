import type { PRIORITY_NAMES } from "../base/statuses.js";

/** A plan that another tool keeps, as its reader understood it. Readers are pure, bounded, and never throw for odd content. */

export interface SourceFile {
  /** From the directory that was asked for, with `/`. */
  readonly path: string;
  readonly text: string;
}

export type TaskState = "open" | "started" | "done" | "dropped";

export interface ForeignTask {
  /** Id in its source, unique in the plan. */
  readonly ref: string;
  readonly title: string;
  /** The rest that an agent needs, Markdown. */
  readonly text: string;
  readonly state: TaskState;
  /** Refs. */
  readonly needs: readonly string[];
  /** Ref of the task it is a part of. */
  readonly parent?: string | undefined;
  /** Paths it names as its own to write. */
  readonly files?: readonly string[] | undefined;
  readonly priority?: (typeof PRIORITY_NAMES)[number] | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly assignee?: string | undefined;
  /** Such as `tasks.md:12`. */
  readonly place: string;
}

/** Content that no task was made of, and why. */
export interface Unmapped {
  readonly place: string;
  readonly what: string;
  readonly why: string;
}

export const PLAN_FORMATS = [
  "taskmaster",
  "spec-kit",
  "beads",
  "backlog-md",
  "github-issues",
  "markdown",
  "baton",
] as const;
export type PlanFormat = (typeof PLAN_FORMATS)[number];

export interface ForeignPlan {
  readonly format: PlanFormat;
  /** Tells the plans of one repository apart and stays the same: `taskmaster/master`, `specs/016-login/tasks.md`. */
  readonly source: string;
  readonly title: string;
  /** Id of the run that it is an export of. */
  readonly exportOf?: string | undefined;
  readonly tasks: readonly ForeignTask[];
  readonly unmapped: readonly Unmapped[];
}

/** Reads one format. Returns no plan for files in which there is none. */
export type PlanReader = (files: readonly SourceFile[]) => ForeignPlan[];
