import type { ChangedEntities } from "../engine/events/changes.js";
import type { EngineContext } from "../engine/context.js";
import type { Tx } from "../store/tx.js";

/** The context in which a resource is read: the engine's, and facts of the server that no table holds. */
export interface ReadingContext extends EngineContext {
  readonly server: {
    readonly version: string;
    readonly database: { readonly backend: string; readonly location: string; readonly schemaVersion: number };
  };
}

/** The database as it can be looked at and watched, but not changed. */
export interface Reader {
  /** Runs a query on one consistent snapshot. Errors: `BatonError` with code `unavailable`. */
  read<T>(query: (ctx: ReadingContext) => Tx<T>): Promise<T>;
  /** Calls the listener soon after any process has committed, too often rather than too seldom; gives what stops it. */
  onWake(listener: () => void): () => void;
}

interface Described {
  readonly name: string;
  readonly title: string;
  /** The content and the length of its lists, in at most 60 words. */
  readonly description: string;
  readonly mimeType: string;
}

/** A resource with one address. */
export interface FixedResource extends Described {
  readonly uri: string;
  /** Data, or the text itself where it is no JSON. */
  read(ctx: ReadingContext): Tx<unknown>;
  /** Whether an event may have changed what is read. */
  changedBy(change: ChangedEntities): boolean;
}

/** A resource of each entity of a kind. */
export interface ResourceTemplate extends Described {
  /** RFC 6570 with `{id}` as its only variable. */
  readonly uriTemplate: `${string}{id}${string}`;
  /** As of a fixed one. Errors: `not_found`. */
  read(ctx: ReadingContext, id: string): Tx<unknown>;
  /** Values for the variable that begin with a text, or name an entity whose name does; the newest first. */
  complete(prefix: string): Tx<string[]>;
  /** The id of the entity whose resource an event may have changed. */
  changedBy(change: ChangedEntities): string | null;
  /** The ids whose changes are changes of this one: its own, where it is addressed by name, and others. Errors: `not_found`. */
  follow(ctx: ReadingContext, id: string): Tx<readonly string[]>;
}

export const JSON_TYPE = "application/json";
/** The entities a list shows; it says where the others are found. */
export const LISTED_MAX = 200;

/** A sign of progress changes a task's own figures, and nothing that is counted. */
export function isNote({ type }: ChangedEntities): boolean {
  return type === "task.progress";
}
