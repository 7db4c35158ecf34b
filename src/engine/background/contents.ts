import { ROWS_AT_ONCE_MAX } from "../../base/limits.js";
import type { ContentFiles } from "../../runtime/files/content-files.js";
import { deleteArtifacts, replacedArtifacts } from "../../store/artifacts/artifacts.js";
import type { EngineContext } from "../context.js";
import { anyUnused, contentsInFiles, sweepUnused } from "../../store/artifacts/contents.js";
import type { Engine } from "../engine.js";

/** Files of contents, and when this process last looked for those that no row names. */
export interface ContentSweep {
  files(): Promise<ContentFiles | undefined>;
  lastAt?: number;
}

const FILES_EVERY_MS = 3_600_000;

/** Removes contents whose last artifact is gone: their rows soon, files beside the database once an hour. */
export async function sweepContents(engine: Engine, sweep: ContentSweep | undefined): Promise<number> {
  const swept = (await engine.read(anyUnused)) ? await engine.transact(() => sweepUnused(ROWS_AT_ONCE_MAX)) : 0;
  if (sweep === undefined) return swept;
  // Not at once: a process that has just started has more urgent things to do.
  sweep.lastAt ??= engine.now();
  if (engine.now() - sweep.lastAt < FILES_EVERY_MS) return swept;
  sweep.lastAt = engine.now();
  await pruneReplaced(engine);
  return swept + (await sweepFiles(engine, await sweep.files()));
}

/** Removes versions of projects' own artifacts that newer ones have replaced longer ago than the retention; the newest of each name stays. */
async function pruneReplaced(engine: Engine): Promise<void> {
  const old = (ctx: EngineContext) =>
    replacedArtifacts({ now: ctx.now, defaultMs: ctx.settings.retention_ms, limit: ROWS_AT_ONCE_MAX });
  while ((await engine.read(old)).length > 0)
    await engine.transact(function* (ctx) {
      yield* deleteArtifacts(yield* old(ctx));
    });
}

/** Removes them all now. */
export async function sweepAllContents(engine: Engine, files: ContentFiles | undefined): Promise<void> {
  await pruneReplaced(engine);
  while (await engine.read(anyUnused)) await engine.transact(() => sweepUnused(ROWS_AT_ONCE_MAX));
  await sweepFiles(engine, files);
}

async function sweepFiles(engine: Engine, files: ContentFiles | undefined): Promise<number> {
  if (files === undefined) return 0;
  return files.removeUnnamed(engine.now(), (hashes) => engine.read(() => contentsInFiles(hashes)));
}
