import { findArtifacts, insertArtifacts } from "../../store/artifacts/artifacts.js";
import { keepContents } from "../../store/artifacts/contents.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";

/** A run that is made from another. */
interface Fork {
  readonly run: string;
  /** The id that a task of the origin has here. */
  readonly own: (task: string) => string;
}

/**
 * Copies the artifacts of an origin into its fork, with the same contents, names and versions. Returns false where some are gone: the
 * origin is being removed.
 */
export function* copyArtifacts(ctx: EngineContext, ids: readonly string[], { run, own }: Fork): Tx<boolean> {
  if (ids.length === 0) return true;
  const originals = (yield* findArtifacts(ids)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const hashes = new Set(originals.map(({ hash }) => hash));
  if (originals.length < ids.length || (yield* keepContents([...hashes])) < hashes.size) return false;
  yield* insertArtifacts(
    originals.map((artifact) => ({
      ...artifact,
      id: ctx.newId("artifact"),
      run,
      scope: run,
      task: artifact.task === null ? null : own(artifact.task),
      attempt: null,
      superseded: false,
    })),
  );
  return true;
}
