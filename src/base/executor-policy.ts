/** An MCP server of a person's own configuration, as far as the others may know of it: nothing of how it is reached. */
export interface ToolServer {
  readonly name: string;
  /** Which of its tools may be called, `*` standing for any text; absent: all. */
  readonly tools?: readonly string[];
}

/** An MCP server in full, from the configuration of the person who started this one. `env`, `headers` and `url` may hold secrets. */
export type McpServer = ToolServer &
  (
    | {
        readonly type: "stdio";
        readonly command: string;
        readonly args: readonly string[];
        readonly env: Readonly<Record<string, string>>;
        /** Absolute. */
        readonly cwd: string;
      }
    | { readonly type: "http"; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  );

/** The commands a server process may run, the tool servers it may call, and for which runs. */
export type ExecutorPolicy = CommandPolicy & {
  readonly servers?: readonly ToolServer[];
  /**
   * The only run that it serves, with its child runs; null until the run that its own process is about to start has
   * an id. Absent: every run.
   */
  readonly run?: string | null;
};

/** A pattern of command lines, in all projects or in those whose root lies within one of these absolute directories. */
export type CommandPattern = string | { readonly pattern: string; readonly roots: readonly string[] };

/**
 * Which command lines the person who started the server allows, and in which directories: `roots` are absolute, and
 * absent where all are. `patterns` come from that person's own configuration only. They bound what a workflow can start;
 * they are no sandbox for what the allowed programs then do: `npm test` runs whatever package.json says.
 */
export type CommandPolicy = { readonly roots?: readonly string[] } & (
  | { readonly kind: "off" }
  | { readonly kind: "all" }
  | { readonly kind: "patterns"; readonly patterns: readonly CommandPattern[] }
);
