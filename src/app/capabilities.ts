import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Settings } from "../base/settings.js";
import { type Config, settingsWithOrigins } from "../config.js";
import type { TextWorker } from "../compaction/text-thread.js";
import type { ServerCapabilities, ServerProcess } from "../dispatch/capabilities.js";
import { contentFilesOf } from "./connection.js";
import { Trials } from "./performance/trials.js";
import { newSecret } from "../runtime/random.js";
import { leavesRoot } from "../runtime/files/confinement.js";
import { pathOnDisk } from "../runtime/files/real-paths.js";
import { readWorkplace } from "../runtime/files/workplace.js";

export interface CapabilityParts {
  readonly config: Config;
  readonly texts: TextWorker;
  /** Working directory of the caller. */
  readonly cwd: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly transferred: ServerProcess["transferred"];
  /** In force now. */
  settings(): Settings;
  refreshSettings(): Promise<void>;
  catchUp(): Promise<boolean>;
  mayBeBehind(): boolean;
}

/** Capabilities of this process for its operations. What touches the disk is loaded when it is first used. */
export function capabilitiesOf(parts: CapabilityParts): ServerCapabilities {
  const { config, cwd, startedAt } = parts;
  return {
    files: {
      readWorkplace: (directory) => readWorkplace(directory, cwd),
      pathOnDisk,
      uncommitted: async (root, paths) => (await import("../guard/uncommitted.js")).uncommittedFiles(root, paths),
      head: async (root) => (await import("../runtime/git/git-reader.js")).headOf(root),
      diff: async (request) => (await import("../runtime/git/own-diff.js")).ownDiff(request),
      edits: async (search) => (await import("../runtime/git/edited-files.js")).editedFiles(search),
      changed: async (search) => (await import("../runtime/git/changed-files.js")).changedFiles(search),
      merges: async (search) => (await import("../runtime/git/failing-merges.js")).failingMerges(search),
      survey: async (root, files) => (await import("../runtime/scaffolding.js")).surveyFiles(root, files),
      write: async (root, writing) => (await import("../runtime/scaffolding.js")).writeFiles(root, writing),
    },
    contents: {
      readProjectFile: async (root, path, bytesMax) =>
        (await import("../runtime/files/project-file.js")).readProjectFile(root, path, bytesMax),
      save: async (hash, data) => {
        const files = await contentFilesOf(config.database);
        await files?.save(hash, data);
        return files !== undefined;
      },
      discard: async (hash) => (await contentFilesOf(config.database))?.discard(hash),
      exists: (root, path) => leavesRoot(root, path) || existsSync(resolve(root, path)),
      ensure: async (hash, data) => {
        const files = await contentFilesOf(config.database);
        if (files?.has(hash) === false) await files.save(hash, data);
      },
    },
    texts: parts.texts,
    templates: {
      list: async (contentsOf) => {
        const { readTemplateFolders } = await import("../runtime/files/template-folders.js");
        const directory = config.templatesDirectory;
        return { folders: await readTemplateFolders(directory, contentsOf), directory };
      },
    },
    process: {
      startedAt,
      pid: process.pid,
      nodeVersion: process.version,
      memoryBytes: () => process.memoryUsage.rss(),
      transferred: parts.transferred,
    },
    configuration: { values: settingsWithOrigins(config), refresh: () => parts.refreshSettings() },
    performance: new Trials(
      () => parts.settings(),
      config.database.kind === "sqlite" ? config.database.synchronous : "FULL",
    ),
    secrets: { make: newSecret },
    background: { catchUp: () => parts.catchUp(), mayBeBehind: () => parts.mayBeBehind() },
  };
}
