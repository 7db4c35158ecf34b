import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { BatonError } from "../base/errors.js";
import { isObject } from "../base/json.js";
import { type CallOptions, type Dispatch, InternalError } from "../dispatch/dispatch.js";
import { tooLarge } from "../dispatch/input.js";
import { type Rendered, renderError, renderResult } from "../dispatch/render.js";

export interface ClientToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
  readonly options: CallOptions;
}

/** Calls through dispatch and words the answer. What dispatch refuses is an answer too. */
export async function callTool(dispatch: Dispatch, call: ClientToolCall): Promise<CallToolResult> {
  try {
    const { result } = await dispatch.call(call.name, call.arguments, call.options);
    const rendered = renderResult(result);
    return toolResult({ ...rendered, text: await textOfPage(dispatch, call, rendered) });
  } catch (error) {
    if (error instanceof BatonError || error instanceof InternalError) return toolResult(renderError(error));
    throw error;
  }
}

/**
 * The text of an answer stands alone: where it shows fewer entries of a list than the page has, it is that of the page with as
 * many entries as it shows, whose cursor leads on from the last of them.
 */
async function textOfPage(dispatch: Dispatch, call: ClientToolCall, rendered: Rendered): Promise<string> {
  let { text, rowsShown } = rendered;
  while (rowsShown !== undefined) {
    const shorter = withLimit(dispatch, call, rowsShown);
    if (shorter === undefined) return text;
    const { result } = await dispatch.call(call.name, shorter, call.options);
    const again = renderResult(result);
    if (again.rowsShown !== undefined && again.rowsShown >= rowsShown) return again.text;
    ({ text, rowsShown } = again);
  }
  return text;
}

/** The same call of a list with a smaller limit; undefined for any other. */
function withLimit(dispatch: Dispatch, { name, arguments: args }: ClientToolCall, limit: number) {
  if (dispatch.isList(name)) return { ...args, limit };
  const { name: inner, arguments: given } = args;
  const isList = (name === "query_operation" || name === "call_operation") && typeof inner === "string";
  if (!isList || !dispatch.isList(inner)) return undefined;
  return { ...args, arguments: { ...(isObject(given) ? given : {}), limit } };
}

/** The answer to a hook that calls a tool: the client reads its text as the output of a command. */
export function hookResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

/** The answer to a call that was too large to be read. */
export function tooLargeResult(bytesMax: number): CallToolResult {
  return toolResult(renderError(tooLarge(bytesMax)));
}

function toolResult({ text, structuredContent, isError }: Rendered): CallToolResult {
  return { content: [{ type: "text", text }], structuredContent, ...(isError && { isError }) };
}
