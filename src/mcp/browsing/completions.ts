import type { CompleteRequestParams, CompleteResult } from "@modelcontextprotocol/sdk/types.js";
import { completeArgument } from "../../prompts/catalogue.js";
import { completeTemplate } from "../../resources/catalogue.js";
import type { Reader } from "../../resources/resource.js";

/** As many as MCP lets one answer hold. */
const VALUES_MAX = 100;

/**
 * Suggests completions for what the client's user is typing. Errors: `not_found` or `invalid_input` for a reference
 * that does not exist.
 */
export async function completed(reader: Reader, { ref, argument }: CompleteRequestParams): Promise<CompleteResult> {
  const found = await reader.read(() =>
    ref.type === "ref/prompt"
      ? completeArgument(ref.name, argument.name, argument.value)
      : completeTemplate(ref.uri, argument.name, argument.value),
  );
  return { completion: { values: found.slice(0, VALUES_MAX), hasMore: found.length > VALUES_MAX } };
}
