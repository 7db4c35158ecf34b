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

/** Decides whether a tool is in a server's list: it is listed itself, or its area is requested. */
export interface ToolEntry {
  readonly area: Area;
  readonly listed: boolean;
  readonly tool: PublishedTool;
}

/** The tools of a server: what is listed by default, and the areas asked for when it was started; of one that only reads, the queries. */
export function toolsOf(
  entries: readonly ToolEntry[],
  { toolsets, readOnly = false }: { readonly toolsets: readonly string[]; readonly readOnly?: boolean },
): PublishedTool[] {
  const wanted = new Set(toolsets);
  return entries
    .filter(({ area, listed }) => listed || wanted.has("all") || wanted.has(area))
    .map(({ tool }) => tool)
    .filter(({ annotations }) => !readOnly || annotations.readOnlyHint);
}
