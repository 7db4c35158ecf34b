import type { ChangedEntities } from "../engine/events/changes.js";
import type { EngineContext } from "../engine/context.js";
import type { Engine } from "../engine/engine.js";
import type { Tx } from "../store/tx.js";

/** The engine as resources use it: to read and to watch. */
export type Reader = Pick<Engine, "read" | "onWake">;

export interface Described {
  readonly name: string;
  readonly title: string;
  /** The content and the length of its lists, in at most 60 words. */
  readonly description: string;
  /** Default: `application/json`. */
  readonly mimeType?: string;
}

/** A resource with one address. */
export interface FixedResource extends Described {
  readonly uri: string;
  /** Data, or the text itself where it is no JSON. */
  read(ctx: EngineContext): Tx<unknown>;
  /** Whether an event may have changed what is read. */
  changedBy(change: ChangedEntities): boolean;
}

/** A resource of each entity of a kind. */
export interface ResourceTemplate extends Described {
  /** RFC 6570 with `{id}` as its only variable. */
  readonly uriTemplate: `${string}{id}${string}`;
  /** As of a fixed one. Errors: `not_found`. */
  read(ctx: EngineContext, id: string): Tx<unknown>;
  /** Values for the variable that begin with a text, or name an entity whose name does; the newest first. */
  complete(prefix: string): Tx<string[]>;
  /** The id of the entity whose resource an event may have changed. */
  changedBy(change: ChangedEntities): string | null;
  /** The ids whose changes are changes of this one: its own, where it is addressed by name, and others. Errors: `not_found`. */
  follow(ctx: EngineContext, id: string): Tx<readonly string[]>;
}

/** The entities a list shows; it says where the others are found. */
export const LISTED_MAX = 200;

/** A sign of progress changes a task's own figures, and nothing that is counted. */
export function isNote({ type }: ChangedEntities): boolean {
  return type === "task.progress";
}
