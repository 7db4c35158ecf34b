import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from "@modelcontextprotocol/sdk/types.js";
import { fixedResources, readResource, resourceTemplates } from "../../resources/catalogue.js";
import type { Reader } from "../../resources/resource.js";

export function resourceList(): ListResourcesResult {
  const resources = fixedResources.map(({ uri, name, title, description, mimeType }) => ({
    uri,
    name,
    title,
    description,
    mimeType,
  }));
  return { resources };
}

export function templateList(): ListResourceTemplatesResult {
  const templates = resourceTemplates.map(({ uriTemplate, name, title, description, mimeType }) => ({
    uriTemplate,
    name,
    title,
    description,
    mimeType,
  }));
  return { resourceTemplates: templates };
}

/** Errors: `not_found`. */
export async function readContents(reader: Reader, uri: string): Promise<ReadResourceResult> {
  const content = await reader.read((ctx) => readResource(ctx, uri));
  return { contents: [{ ...content }] };
}
