import { Problem, type Transport } from "../data/client.js";
import type { Host } from "./host.js";

/** Tools that every client lists. A host refuses an app what it does not list, so the others are read through this tool. */
const LISTED = new Set(["get_run", "get_task"]);
const QUERY = "query_operation";

interface ToolAnswer {
  readonly isError?: boolean;
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly content?: readonly { readonly text?: string }[];
}

/** Calls the tools of the server through the host, which may ask its person or refuse. */
export function callsThrough(host: Host): Transport {
  return async (name, input) => {
    const params = LISTED.has(name)
      ? { name, arguments: input }
      : { name: QUERY, arguments: { name, arguments: input } };
    const answer = (await host.request("tools/call", params).catch((error: unknown) => {
      throw new Problem("refused", error instanceof Error ? error.message : String(error));
    })) as ToolAnswer;
    const { structuredContent: result } = answer;
    if (answer.isError === true || result === undefined) throw problemOf(answer);
    return LISTED.has(name) ? result : result["result"];
  };
}

function problemOf({ structuredContent, content }: ToolAnswer): Problem {
  const error = structuredContent?.["error"] as { readonly code?: string; readonly message?: string } | undefined;
  return new Problem(error?.code ?? "unknown", error?.message ?? content?.[0]?.text ?? "The tool did not answer.");
}
