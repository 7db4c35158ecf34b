import type { ClientName } from "../../base/statuses.js";
import type { BatonCommand } from "../baton-command.js";
import type { FileEditor } from "../editors/file-editor.js";

/** The machine and the repository that clients are set up for. */
export interface ClientPlace {
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly command: BatonCommand;
  readonly chosen: readonly ClientName[];
  /** Whether hooks of Claude Code call a tool of its server instead of a command. */
  readonly hooksCallTools?: boolean | undefined;
}

/** The same place with the database that servers and hooks are given. */
export function placeWith<T extends ClientPlace>(place: T, database: string | undefined): T {
  return { ...place, command: { ...place.command, database } };
}

/** A file that a client reads, and Baton's entries in it. */
export interface ClientFile {
  /** From the root of the repository. */
  readonly file: string;
  readonly editor: FileEditor;
  /** Whether it holds nothing but the server, which the person's own file may name already. */
  readonly isServerOnly?: boolean;
}

export interface Client {
  readonly name: ClientName;
  readonly title: string;
  /** Paths from the root of a repository that show that this client works there. */
  readonly traces: readonly string[];
  /** The same from the home directory. */
  readonly homeTraces: readonly string[];
  readonly programs: readonly string[];
  /** The person's own files that may name the server for all of their repositories. Absolute. */
  readonly ownFiles: (place: ClientPlace) => readonly string[];
  readonly files: (place: ClientPlace) => readonly ClientFile[];
  /** Told after the files are written. */
  readonly remark?: string;
}
