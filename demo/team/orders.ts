import type { Identity, Place } from "./baton.js";

/** The three assistants, in the order in which they are shown. The first submits the plan. */
export const CLIENTS = ["claude-code", "codex", "cursor"] as const;
export type ClientName = (typeof CLIENTS)[number];

/** Orders of a client's process, given as its only argument. */
export interface Orders extends Identity {
  readonly name: ClientName;
  readonly place: Place;
  /** Arguments of its server. */
  readonly serverArgs: readonly string[];
  /** How long a client pauses in each task, where a model would think. */
  readonly pace_ms: number;
  /** The plan has at most so many modules. */
  readonly modules_max: number;
  /** Whether the conversation is opened again. */
  readonly again: boolean;
}

/** That it may begin: with a new plan, or in the run that it knows of. */
export interface Go {
  readonly run?: string;
}

/** A change of a file that has reached the disk. */
export interface Edit {
  readonly client: ClientName;
  /** Relative to the repository. */
  readonly file: string;
  /** The text that now stands in the file. */
  readonly text: string;
}

/** A call that a hook did not let through. */
export interface Refusal {
  readonly client: ClientName;
  readonly at: number;
  /** The call, as a person would name it. */
  readonly call: string;
  readonly why: string;
}

/** Messages from a client's process to the demo. */
export type News =
  | { readonly kind: "connected"; readonly server: number }
  | { readonly kind: "planned"; readonly run: string }
  | { readonly kind: "edited"; readonly edit: Edit }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "told"; readonly text: string };

/** Progress up to here is work on a client's own page alone. */
export const PAGE_PERCENT_MAX = 60;
