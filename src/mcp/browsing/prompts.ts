import { shownText } from "../../base/texts/shown-text.js";
import type { GetPromptResult, ListPromptsResult } from "@modelcontextprotocol/sdk/types.js";
import { composePrompt, prompts } from "../../prompts/catalogue.js";
import type { Reader } from "../../resources/resource.js";
import { checkInput } from "../../dispatch/input.js";

export function promptList(): ListPromptsResult {
  return {
    prompts: prompts.map(({ name, title, description, arguments: args }) => ({
      name,
      title,
      description,
      arguments: args.map((one) => ({ name: one.name, description: one.description, required: one.required })),
    })),
  };
}

export interface PromptCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** Errors: `invalid_input`; `not_found` for an argument that names nothing; `limit_exceeded` for one that is too large. */
export async function composedPrompt(reader: Reader, call: PromptCall): Promise<GetPromptResult> {
  const { description, text } = await reader.read((ctx) => {
    checkInput(call.name, call.arguments, ctx.settings.input_bytes_max);
    return composePrompt(ctx, call.name, call.arguments);
  });
  return { description, messages: [{ role: "user", content: { type: "text", text: shownText(text) } }] };
}
