import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { BatonError } from "../base/errors.js";
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
    return toolResult(renderResult(result));
  } catch (error) {
    if (error instanceof BatonError || error instanceof InternalError) return toolResult(renderError(error));
    throw error;
  }
}

/** The answer to a call that was too large to be read. */
export function tooLargeResult(bytesMax: number): CallToolResult {
  return toolResult(renderError(tooLarge(bytesMax)));
}

function toolResult({ text, structuredContent, isError }: Rendered): CallToolResult {
  return { content: [{ type: "text", text }], structuredContent, ...(isError && { isError }) };
}
