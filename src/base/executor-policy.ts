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

/** The commands a server process may run, and the tool servers it may call. */
export type ExecutorPolicy = CommandPolicy & { readonly servers?: readonly ToolServer[] };
/**
 * Which command lines the person who started the server allows. `patterns` come from that person's own configuration
 * only. They bound what a workflow can start; they are no sandbox for what the allowed programs then do: `npm test`
 * runs whatever package.json says.
 */
export type CommandPolicy = { kind: "off" } | { kind: "all" } | { kind: "patterns"; patterns: readonly string[] };
