import type { EngineContext } from "../engine/context.js";
import type { ChangedEntities } from "../engine/events/changes.js";
import { BatonError } from "../base/errors.js";
import { hint } from "../base/names.js";
import type { Tx } from "../store/tx.js";
import { agents } from "./agents.js";
import { artifact } from "./artifacts.js";
import { brief } from "./briefs.js";
import { deadLetters } from "./dead-letters.js";
import { escalations } from "./escalations.js";
import { locks } from "./locks.js";
import { messages } from "./messages.js";
import { project, projects } from "./projects.js";
import type { Described, FixedResource, ResourceTemplate } from "./resource.js";
import { checkpoints, events, graph, run, runs } from "./runs.js";
import { costs, status } from "./system.js";
import { reviews, task } from "./tasks.js";
import { workflowSchema } from "./workflows.js";

export const fixedResources: readonly FixedResource[] = [
  status,
  projects,
  runs,
  agents,
  locks,
  deadLetters,
  escalations,
  costs,
  reviews,
  workflowSchema,
];
export const resourceTemplates: readonly ResourceTemplate[] = [
  project,
  run,
  graph,
  events,
  checkpoints,
  task,
  brief,
  messages,
  artifact,
];

/** A resource or a template as clients list it, beside its address. */
export function describe({ name, title, description, mimeType = "application/json" }: Described) {
  return { name, title, description, mimeType };
}

/** Reads the resource at an address. Errors: `not_found` for an invalid address or an entity that does not exist. */
export function* readResource(ctx: EngineContext, uri: string) {
  const found = locate(uri);
  const data = "id" in found ? yield* found.template.read(ctx, found.id) : yield* found.resource.read(ctx);
  const { mimeType } = describe("id" in found ? found.template : found.resource);
  return { uri, mimeType, text: typeof data === "string" ? data : JSON.stringify(data) };
}

/** The addresses, as `changedBy` gives them, whose changes are changes of this one. Errors: as `readResource`. */
export function* followedBy(ctx: EngineContext, uri: string): Tx<string[]> {
  const found = locate(uri);
  if (!("id" in found)) return [uri];
  const ids = yield* found.template.follow(ctx, found.id);
  return ids.map((id) => addressOf(found.template, id));
}

/** The addresses of all that an event may have changed. */
export function changedBy(change: ChangedEntities): string[] {
  return [
    ...fixedResources.filter((resource) => resource.changedBy(change)).map(({ uri }) => uri),
    ...resourceTemplates.flatMap((template) => {
      const id = template.changedBy(change);
      return id === null ? [] : [addressOf(template, id)];
    }),
  ];
}

/** Values for the variable of a template. Errors: `not_found` for a template that is none. */
export function* completeTemplate(uriTemplate: string, variable: string, prefix: string): Tx<string[]> {
  const template = resourceTemplates.find((one) => one.uriTemplate === uriTemplate);
  if (template === undefined) throw noSuchResource(uriTemplate);
  return variable === "id" ? yield* template.complete(prefix) : [];
}

type Located = { readonly resource: FixedResource } | { readonly template: ResourceTemplate; readonly id: string };

function locate(uri: string): Located {
  const resource = fixedResources.find((one) => one.uri === uri);
  if (resource !== undefined) return { resource };
  for (const template of resourceTemplates) {
    const id = idIn(template, uri);
    if (id !== undefined) return { template, id };
  }
  throw noSuchResource(uri);
}

function addressOf({ uriTemplate }: ResourceTemplate, id: string): string {
  return uriTemplate.replace("{id}", () => encodeURIComponent(id));
}

function idIn({ uriTemplate }: ResourceTemplate, uri: string): string | undefined {
  const [before = "", after = ""] = uriTemplate.split("{id}");
  if (!uri.startsWith(before) || !uri.endsWith(after)) return undefined;
  const value = uri.slice(before.length, uri.length - after.length);
  if (value === "" || /[/?#]/.test(value)) return undefined;
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

const SHOWN_CHARS_MAX = 300;

function noSuchResource(uri: string): BatonError {
  const known = [...fixedResources.map((one) => one.uri), ...resourceTemplates.map((one) => one.uriTemplate)];
  const shown = uri.slice(0, SHOWN_CHARS_MAX);
  return new BatonError("not_found", `Unknown resource "${shown}"${hint(uri, known)}.`, {
    details: { uri: shown, known },
  });
}
