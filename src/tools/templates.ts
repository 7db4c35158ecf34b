import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { BatonError, codeOf } from "../base/errors.js";
import { isNamed } from "../base/names.js";
import * as templates from "../engine/templates/project-templates.js";
import type { Project } from "../engine/projects/projects.js";
import { type Entry, readTemplates, requireTemplate } from "../engine/templates/catalogue.js";
import { TEMPLATE_KINDS } from "../engine/templates/manifest.js";
import { defineOperation, type HostWith } from "../dispatch/operation.js";
import { count } from "../dispatch/shapes.js";

const name = z.string().min(1).max(100);

const line = z.object({
  name: z.string(),
  kind: z.enum(TEMPLATE_KINDS).optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  steps: count.optional(),
  files: count.optional(),
  workflows: z.array(z.string()).optional(),
  milestones: z.array(z.string()).optional(),
  origin: z.enum(["shipped", "user"]),
  directory: z.string(),
  overrides_shipped: z.literal(true).optional(),
  problems: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
  paths: z.array(z.string()).optional(),
  definitions: z.array(z.record(z.string(), z.unknown())).optional(),
});

/** The templates there are, read before any transaction; the contents of files only of those with the name `contentsOf`. */
export async function templatesAt(
  host: HostWith<"templates">,
  contentsOf?: string,
): Promise<{ entries: Entry[]; directory: string }> {
  const { folders, directory } = await host.templates.list(contentsOf);
  // oxlint-disable-next-line require-yield -- the limits in force come with the context
  const settings = await host.read(function* (ctx) {
    return ctx.settings;
  });
  return { entries: readTemplates(folders, settings), directory };
}

export const listTemplates = defineOperation({
  name: "list_templates",
  title: "List templates",
  description:
    "Lists templates, shipped and your user's own: of projects, for create_project, and of workflows, for execute_workflow (workflow: template:NAME) and orchestrate. Use it to see which exist and what inputs each takes. With name: one in full, with its files and definitions. A broken one lists its problems.",
  area: "projects",
  effect: "read",
  input: z.object({ kind: z.enum(TEMPLATE_KINDS).optional(), name: name.optional() }),
  output: z.object({ templates: z.array(line), directory: z.string() }),
  needs: ["templates"],
  async perform(host, { kind, name: wanted }) {
    const { entries: all, directory } = await templatesAt(host, wanted);
    const entries = all.filter(
      ({ template }) => kind === undefined || template === undefined || template.kind === kind,
    );
    if (wanted === undefined) return { templates: entries.map(templates.templateLine), directory };
    const entry = entries.find((one) => one.name === wanted) ?? entries.find((one) => isNamed(one.name, wanted));
    if (entry === undefined) requireTemplate(entries, wanted, kind);
    return { templates: entry ? [templates.templateInFull(entry)] : [], directory };
  },
});

/** Template that a project is created from, with its inputs. */
export interface TemplateInput extends Omit<templates.TemplateRequest, "template" | "inputs"> {
  readonly template: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly overwrite: boolean;
}

export const scaffolded = z.object({
  template: z.string(),
  written: z.array(z.string()),
  overwritten: z.array(z.string()),
  unchanged: z.array(z.string()),
  workflows: z.array(z.object({ name: z.string(), version: z.int() })),
  milestones: z.array(z.string()),
});

export interface CreatedFromTemplate {
  readonly project: Project;
  readonly created: boolean;
  readonly scaffolded: z.output<typeof scaffolded>;
}

/**
 * Looks at everything, writes the files, and then commits the project with its workflows and milestones. What cannot be committed
 * is taken back from the disk. A call that comes again, with its request id or after a crash in between, finds its own files the
 * same and goes on. Errors: those of `prepareProject`, `requireFree` and `makeFromTemplate`.
 */
export async function createFromTemplate(
  host: HostWith<"files" | "templates">,
  input: TemplateInput,
): Promise<CreatedFromTemplate> {
  const earlier = await host.earlier<CreatedFromTemplate>(STEP);
  if (earlier !== undefined) return earlier;
  const { entries } = await templatesAt(host, input.template);
  const request = { ...input, template: requireTemplate(entries, input.template, "project") };
  const prepared = await host.read((ctx) => templates.prepareProject(ctx, request));
  const { root, files } = prepared;
  const survey = await host.files.survey(root, files);
  templates.requireFree(request.template, survey, input.overwrite);
  const same = new Set(survey.same);
  const writing = { files: files.filter(({ path }) => !same.has(path)), replacing: new Set(survey.other) };
  const written = await host.files.write(root, writing).catch((error: unknown) => {
    throw unwritable(error, root);
  });
  const facts = {
    template: request.template.name,
    written: [...survey.fresh],
    overwritten: [...survey.other],
    unchanged: [...survey.same],
  };
  try {
    const made = await host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, input.agent);
      const { project, created, ...stored } = yield* templates.makeFromTemplate(acting, request, prepared);
      const answer: CreatedFromTemplate = {
        project,
        created,
        scaffolded: { ...facts, workflows: [...stored.workflows], milestones: [...stored.milestones] },
      };
      return answer;
    }, STEP);
    await written.keep();
    return made;
  } catch (error) {
    // Where the answer to the commit was lost the project may be there, and its files belong to it.
    if (error instanceof BatonError && error.code !== "unavailable") throw withLeft(error, await written.undo());
    await written.keep();
    throw error;
  }
}

// As the step of an operation that is one transaction is called, so that the caller's id is that of the record.
const STEP = "run";

const DENIED: ReadonlyMap<string | undefined, string> = new Map([
  ["EACCES", "may not be written to"],
  ["EPERM", "may not be written to"],
  ["EROFS", "may not be written to"],
  ["ENOSPC", "has no room left"],
  ["EDQUOT", "has no room left"],
]);

/** The same refusal, which says too what could not be taken back. */
function withLeft(error: BatonError, left: string | undefined): BatonError {
  if (left === undefined) return error;
  const { code, message, details, retry, next } = error;
  return new BatonError(code, `${message} ${left}`, { ...(details ? { details } : {}), retry, next: [...next] });
}

/** Turns an error of the file system into one that the caller can act on; anything else is a bug and stays as it is. */
function unwritable(error: unknown, root: string): unknown {
  const code = codeOf(error);
  const left = error instanceof Error && "leftBehind" in error ? String(error.leftBehind) : undefined;
  if (code === "EEXIST") {
    const message = `Files in ${root} were changed by another process meanwhile. ${left ?? "Nothing was written: call again."}`;
    return new BatonError("conflict", message, { retry: "same_input" });
  }
  const why = DENIED.get(code);
  if (why === undefined) return error;
  return new BatonError("invalid_input", `${root} ${why}. ${left ?? "Nothing was left behind."}`, {
    details: { root },
  });
}
