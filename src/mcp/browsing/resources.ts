import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from "@modelcontextprotocol/sdk/types.js";
import { shownText } from "../../base/texts/shown-text.js";
import { describe, fixedResources, readResource, resourceTemplates } from "../../resources/catalogue.js";
import type { Reader } from "../../resources/resource.js";

export function resourceList(): ListResourcesResult {
  return { resources: fixedResources.map((one) => ({ uri: one.uri, ...describe(one) })) };
}

export function templateList(): ListResourceTemplatesResult {
  return { resourceTemplates: resourceTemplates.map((one) => ({ uriTemplate: one.uriTemplate, ...describe(one) })) };
}

/** Errors: `not_found`. */
export async function readContents(reader: Reader, uri: string): Promise<ReadResourceResult> {
  const content = await reader.read((ctx) => readResource(ctx, uri));
  return { contents: [{ ...content, text: shownText(content.text) }] };
}
