/** Something that a command line would do to files of a work tree. */
export interface FileUse {
  /** As a person would name it: "git add -A". */
  readonly verb: string;
  /** The real path of the root of the work tree. */
  readonly top: string;
  /** Relative to the root. */
  readonly paths: readonly string[];
  /**
   * `takes`: into the index or a commit. `loses`: content is overwritten, deleted or taken away. `edits`: content is written.
   * `moves`: another commit or branch is checked out beneath all who work there.
   */
  readonly effect: "takes" | "loses" | "edits" | "moves";
  /** The same command for some of the paths alone. */
  readonly narrowed: ((own: readonly string[]) => string) | undefined;
}
