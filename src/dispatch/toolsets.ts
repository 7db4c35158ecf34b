import type { Area } from "../base/areas.js";

export type JsonSchema = Record<string, unknown>;

/** A tool as clients are shown it. Made once, at build time; the same for every connection. */
export interface PublishedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema & { type: "object" };
  readonly outputSchema: JsonSchema & { type: "object" };
  readonly annotations: ToolAnnotations;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

export interface ToolAnnotations {
  readonly title: string;
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** Facts by which a tool is in a server's list. */
export interface ListedAs {
  readonly area: Area;
  readonly listed: boolean;
  readonly reads: boolean;
  /** Whether the answer is one run, which clients can show as a page. */
  readonly showsRun?: boolean;
}

export interface ToolEntry extends ListedAs {
  readonly tool: PublishedTool;
}

/** Decides what a server lists. */
export interface ListChoice {
  readonly toolsets: readonly string[];
  readonly readOnly?: boolean;
  /** Whether the client shows pages of the server. */
  readonly showsApps?: boolean;
}

/** Whether a server lists a tool: by default, or as one of an area asked for when it was started; of a server that only reads, the queries. */
export function isShown({ area, listed, reads }: ListedAs, { toolsets, readOnly = false }: ListChoice): boolean {
  return (listed || toolsets.includes("all") || toolsets.includes(area)) && (reads || !readOnly);
}
