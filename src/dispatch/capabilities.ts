import type { TextWorker } from "../compaction/text-thread.js";
import type { Settings } from "../base/settings.js";
import type { Workplace } from "../engine/context.js";
import type { ByteCounts } from "../engine/metrics/families.js";
import type { Figures } from "../engine/performance/targets.js";
import type { TrialPlan } from "../engine/performance/trial.js";
import type { ChangeSearch } from "../runtime/git/changed-files.js";
import type { FoundMerges, MergeSearch } from "../runtime/git/failing-merges.js";
import type { EditSearch, FoundEdits } from "../runtime/git/edited-files.js";
import type { DiffRequest, OwnDiff } from "../runtime/git/own-diff.js";
import type { ProjectFile } from "../runtime/files/project-file.js";
import type { PathRoot } from "../runtime/files/real-paths.js";
import type { NewFile, Survey, Writing, Written } from "../runtime/scaffolding.js";
import type { TemplateFolder } from "../runtime/files/template-folders.js";

/** Access of operations to the server and the machine, outside the database. */
export interface ServerCapabilities {
  readonly files: Files;
  readonly contents: Contents;
  readonly texts: TextWorker;
  readonly templates: Templates;
  readonly process: ServerProcess;
  readonly configuration: Configuration;
  readonly background: BackgroundWork;
  readonly performance: PerformanceTrials;
  readonly secrets: Secrets;
}

/** Directories and files of projects on this machine. */
export interface Files {
  /** Looks a directory up on disk. Throws file system errors (`ENOENT`, `ENOTDIR`, `EACCES`, …). */
  readWorkplace(directory: string): Workplace;
  /** Resolves links on the way to a path or glob, and says whether it is a directory. Errors: as `pathOnDisk`. */
  pathOnDisk(place: PathRoot, path: string): string;
  /** Files below a root, of those that paths or globs name, whose changes are in no commit. Empty where git does not say. */
  uncommitted(root: string, paths: readonly string[]): Promise<readonly string[]>;
  /** The commit that is checked out: null before the first one, undefined where there is no repository. */
  head(root: string): Promise<string | null | undefined>;
  /** Compares files of a work tree with those of a commit. */
  diff(request: DiffRequest): Promise<OwnDiff>;
  /** Finds the files of work trees whose content is in no commit. */
  edits(search: EditSearch): Promise<FoundEdits>;
  /** Finds files that have changed since an instant; undefined where that cannot be told. */
  changed(search: ChangeSearch): Promise<readonly string[] | undefined>;
  /** Merges work trees with each other, without a trace in them. */
  merges(search: MergeSearch): Promise<FoundMerges>;
  /** Compares files to be made with those on disk. */
  survey(root: string, files: readonly NewFile[]): Promise<Survey>;
  /** Writes files below a root, all or none, until they are undone or kept. Throws file system errors. */
  write(root: string, writing: Writing): Promise<Written>;
}

/** Contents of artifacts outside the database. */
export interface Contents {
  /** Reads a file of a project. Errors: as `readProjectFile`. */
  readProjectFile(root: string, path: string, bytesMax: number): Promise<ProjectFile>;
  /** Writes a content beside the database, before a row names it. False where the database is to hold it itself. */
  save(hash: string, data: Uint8Array): Promise<boolean>;
  /** Removes a content beside the database that no row names. */
  discard(hash: string): Promise<void>;
  /** Whether a file of a project exists; true for what lies elsewhere, where nothing is looked up. */
  exists(root: string, path: string): boolean;
  /** Writes a content again whose file was removed since `save`. */
  ensure(hash: string, data: Uint8Array): Promise<void>;
}

/** Templates on this machine. */
export interface Templates {
  /** Lists templates; reads the files only of those with the name `contentsOf`. */
  list(contentsOf?: string): Promise<{
    readonly folders: readonly TemplateFolder[];
    /** The directory of the person's own templates. */
    readonly directory: string;
  }>;
}

/** The running server process. */
export interface ServerProcess {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly pid: number;
  readonly nodeVersion: string;
  /** Resident memory, now. */
  memoryBytes(): number;
  /** Bytes over stdin and stdout since the start, where a client is there. */
  readonly transferred: (() => ByteCounts) | undefined;
}

/** Settings as this process was started with them. */
export interface Configuration {
  /** Every setting with its origin, sorted by name. */
  readonly values: readonly ConfiguredValue[];
  /** Applies settings stored in the database to this process now; otherwise it does so every few seconds. */
  refresh(): Promise<void>;
}

export interface ConfiguredValue {
  readonly name: string;
  readonly value: string | number | boolean;
  /** `default`, `flag --…`, `environment BATON_…`, or the file. */
  readonly origin: string;
}

export interface BackgroundWork {
  /**
   * Handles due retries, leases and locks at once, rather than with the next tick. False where nothing is due. A caller without a
   * server process looks for processes that are gone, too: no other does it.
   */
  catchUp(): Promise<boolean>;
  /** True once, unless this process has handled due work before: from then on its passes and timers do so. */
  mayBeBehind(): boolean;
}

/** Random texts that cannot be guessed. */
export interface Secrets {
  make(): string;
}

/** Trials of the engine, away from the database that is shared. */
export interface PerformanceTrials {
  /** In force now. */
  settings(): Settings;
  /** Tries the engine on a temporary database. Errors: `conflict` while another trial runs in this process. */
  tryOut(plan: TrialPlan, signal: AbortSignal): Promise<{ readonly figures: Figures; readonly tookMs: number }>;
}
