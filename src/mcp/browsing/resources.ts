import type {
  ListResourcesResult,
  ListResourceTemplatesResult,
  ReadResourceResult,
} from "@modelcontextprotocol/sdk/types.js";
import { shownText } from "../../base/texts/shown-text.js";
import { describe, fixedResources, readResource, resourceTemplates } from "../../resources/catalogue.js";
import { readRunApp, RUN_APP, runApp } from "../apps.js";
import type { Reader } from "../../resources/resource.js";

/** The page of a run is listed for clients that show it. */
export function resourceList(listsApps: boolean): ListResourcesResult {
  const data = fixedResources.map((one) => ({ uri: one.uri, ...describe(one) }));
  return { resources: listsApps ? [...data, runApp] : data };
}

export function templateList(): ListResourceTemplatesResult {
  return { resourceTemplates: resourceTemplates.map((one) => ({ uriTemplate: one.uriTemplate, ...describe(one) })) };
}

/** Errors: `not_found`. */
export async function readContents(reader: () => Promise<Reader>, uri: string): Promise<ReadResourceResult> {
  if (uri === RUN_APP) return readRunApp();
  const content = await (await reader()).read((ctx) => readResource(ctx, uri));
  return { contents: [{ ...content, text: shownText(content.text) }] };
}
