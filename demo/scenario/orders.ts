import type { Identity, Place } from "../team/baton.js";

/** The four assistants, in the order in which they are shown, and the roles that each takes. The first plans. */
export const CAST = {
  "claude-code": ["architect"],
  codex: ["backend_engineer"],
  cursor: ["frontend_engineer"],
  "gemini-cli": ["code_reviewer"],
} as const;
export type MemberName = keyof typeof CAST;
export const MEMBERS = Object.keys(CAST) as MemberName[];

/** Orders of a member's process, given as its only argument. */
export interface Orders extends Identity {
  readonly name: MemberName;
  readonly place: Place;
  /** Arguments of its server. */
  readonly serverArgs: readonly string[];
  /** How long a member pauses in each task, where a model would think. */
  readonly pace_ms: number;
  /** The run that it goes on with; without one it waits to be told. */
  readonly run?: string;
}

/** Messages from a member's process to the scenario. */
export type News =
  | { readonly kind: "connected"; readonly server: number }
  | { readonly kind: "planned"; readonly run: string }
  | { readonly kind: "said"; readonly text: string };

/** The run that a member takes part in. */
export interface Go {
  readonly run?: string;
}
