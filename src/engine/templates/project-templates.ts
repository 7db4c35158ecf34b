import { relative, isAbsolute, posix, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { appendEvents } from "../../store/events/events.js";
import { findMilestone } from "../../store/milestones/milestones.js";
import { findProjectByReference } from "../../store/projects/projects.js";
import type { NewFile, Survey } from "../../runtime/scaffolding.js";
import type { Tx } from "../../store/tx.js";
import { fileProblems } from "../definitions/analysis.js";
import type { EngineContext } from "../context.js";
import { type Parsed, requireDefinition } from "../definitions/definition.js";
import { BatonError } from "../../base/errors.js";
import { bindInputs } from "../definitions/inputs.js";
import { editsViolating } from "../locks/locks.js";
import { addMilestone } from "../milestones/milestones.js";
import { withPresentNames } from "../../base/settings.js";
import { parseProjectConfig } from "../projects/config.js";
import { foldCase, storedPattern } from "../paths/paths.js";
import { problemsError } from "../../base/problems.js";
import { type Project, projectsOver, projectsWithin } from "../projects/projects.js";
import { projectWanted, createProject, type CreateProject } from "../projects/creation.js";
import { scaffold } from "./scaffolds.js";
import type { Entry, Template } from "./catalogue.js";
import { createWorkflow } from "../workflows/workflows.js";

/** A project that is to be made from a template. */
export interface TemplateRequest extends CreateProject {
  readonly template: Template;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly agent?: string | undefined;
}

/** The prepared project, found out without writing anything. */
export interface Prepared {
  readonly root: string;
  readonly caseInsensitive: boolean;
  readonly files: readonly NewFile[];
  readonly inputs: Readonly<Record<string, unknown>>;
}

/**
 * Looks at everything that the template would make in the project, but for the disk. A query. Errors: `invalid_input` for inputs
 * and paths; `not_permitted` for an agent that would write outside of where it works; `conflict` with a project that is there,
 * or with files that others have locked.
 */
export function* prepareProject(ctx: EngineContext, wanted: TemplateRequest): Tx<Prepared> {
  const { template } = wanted;
  const inputs = bindInputs(template, wanted.inputs);
  const { known, place } = yield* projectWanted(ctx, yield* withConfig(wanted));
  const at = known === undefined ? place : { path: known.root, caseInsensitive: known.caseInsensitive };
  if (at === undefined || at.path === null) throw withoutRoot(template, known);
  const { path: root, caseInsensitive } = at;
  requireOwnPlace(ctx, root, wanted.name);
  const files = scaffold(template, { inputs, project: { name: wanted.name, root }, caseInsensitive });
  for (const workflow of template.workflows) {
    const { definition } = withDefaults(ctx, workflow, inputs);
    const problems = fileProblems(definition, { root, caseInsensitive });
    if (problems.length > 0) throw problemsError(`The workflow "${definition.name}" of the template`, problems);
  }
  yield* requireUnlocked(ctx, wanted, { root, files, caseInsensitive });
  return { root, caseInsensitive, files, inputs };
}

/** The files may lie in the roots of several projects, around the new one's and within it, each of which has locks of its own. */
function* requireUnlocked(
  ctx: EngineContext,
  { template, agent = ctx.caller.agent }: TemplateRequest,
  place: Pick<Prepared, "root" | "files" | "caseInsensitive">,
): Tx<void> {
  const { root, files } = place;
  // The outermost first: every lock on a common file is met in it, under the name that says where the file lies.
  const around = (yield* projectsOver(root)).toReversed().map((project) => {
    const below = relative(project.root ?? root, root).replaceAll(sep, "/");
    return { project, paths: files.map(({ path }) => posix.join(below, path)) };
  });
  const within = (yield* projectsWithin(root)).map((project) => ({ project, paths: pathsWithin(project, place) }));
  for (const { project, paths } of [...around, ...within]) {
    const patterns = paths.map((path) => storedPattern(project, path.normalize("NFC"), "file"));
    const held = yield* editsViolating(ctx, { project, patterns, agent });
    if (held.length > 0) throw locked(template, project, held);
  }
}

/** Returns the files that lie in the root of a project below, under its names. */
function pathsWithin(
  project: Project,
  { root, files, caseInsensitive }: Parameters<typeof requireUnlocked>[2],
): string[] {
  const nameOf = (name: string) => (caseInsensitive ? foldCase(name.normalize("NFC")) : name.normalize("NFC"));
  const way = relative(root, project.root ?? root).split(sep);
  return files.flatMap(({ path }) => {
    const names = path.split("/");
    const isWithin = names.length > way.length && way.every((name, at) => nameOf(name) === nameOf(names[at] ?? ""));
    return isWithin ? [names.slice(way.length).join("/")] : [];
  });
}

function withoutRoot({ name }: Template, known: Project | undefined): BatonError {
  const why = known === undefined ? "there is no root for them" : `the project "${known.name}" has no root for them`;
  const what = known === undefined ? "give root" : "choose another name and give root";
  const message = `The template "${name}" makes files, and ${why}: ${what}, a directory that is there and that no other project has.`;
  return new BatonError("invalid_input", message, {
    details: { template: name, ...(known === undefined ? { root: null } : {}) },
  });
}

/** An agent makes files only where it works; a person may name any directory. */
function requireOwnPlace(ctx: EngineContext, root: string, name: string): void {
  const { channel, workplace } = ctx.caller;
  const own = workplace.gitRoot ?? workplace.cwd;
  const way = relative(own, root);
  const inside = way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
  if (inside || channel === "human") return;
  const message = `A template's files are made inside ${own}, where you work; ${root} is elsewhere. A person makes them at a terminal: baton project create ${name} --root … --template ….`;
  throw new BatonError("not_permitted", message, { details: { root, inside: own } });
}

function locked({ name }: Template, project: Project, held: readonly { path: string; held_by: string }[]): BatonError {
  const message = `The template "${name}" would make files that others have locked in the project "${project.name}": ${held.map((one) => `${one.path} (${one.held_by})`).join(", ")}. Nothing was written.`;
  return new BatonError("conflict", message, {
    details: { project: project.id, conflicts: held },
    next: [{ tool: "query_operation", arguments: { name: "list_file_locks", arguments: { project: project.name } } }],
  });
}

/** Errors: `invalid_input` for what cannot be made; `conflict` for what would be written over. */
export function requireFree(template: Template, survey: Survey, overwrite: boolean): void {
  const { refused, other } = survey;
  if (refused.length > 0)
    throw problemsError(
      `The template "${template.name}" would make files where it may not. Nothing was written`,
      refused,
    );
  if (overwrite || other.length === 0) return;
  const shown = other.slice(0, SHOWN_MAX);
  const more = other.length - shown.length;
  const message = `The template "${template.name}" would write over ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}. Nothing was written: move them away, or say overwrite.`;
  throw new BatonError("conflict", message, { details: { files: [...other] } });
}

const SHOWN_MAX = 20;

/** Entities made beside the project. */
export interface Made {
  readonly project: Project;
  readonly created: boolean;
  /** By name, each with the version that is stored now. */
  readonly workflows: readonly { name: string; version: number }[];
  readonly milestones: readonly string[];
}

/**
 * Makes the project with the workflows, milestones and defaults of its template. A project that is there keeps its configuration, and
 * a milestone of the same name stays. The files have been written before, to the root that was prepared: a project that has another
 * by now, or whose root has become another's, is a `conflict`.
 */
export function* makeFromTemplate(ctx: EngineContext, request: TemplateRequest, prepared: Prepared): Tx<Made> {
  const { template } = request;
  const { root: path, caseInsensitive, files, inputs } = prepared;
  const wanted = { ...request, root: { path, caseInsensitive } };
  const { project, created } = yield* createProject(ctx, yield* withConfig(wanted));
  const workflows: { name: string; version: number }[] = [];
  for (const workflow of template.workflows) {
    const { workflow: stored } = yield* createWorkflow(ctx, project, { parsed: withDefaults(ctx, workflow, inputs) });
    workflows.push({ name: stored.name, version: stored.version });
  }
  const milestones: string[] = [];
  for (const milestone of template.milestones) {
    if ((yield* findMilestone(project.id, milestone.name)) !== undefined) continue;
    yield* addMilestone(ctx, project, milestone);
    milestones.push(milestone.name);
  }
  const data = {
    template: template.name,
    origin: template.folder.origin,
    files: files.length,
    workflows: workflows.map(({ name }) => name),
  };
  yield* appendEvents(ctx, [{ type: "project.scaffolded", project: project.id, agent: ctx.caller.agent, data }]);
  return { project, created, workflows, milestones };
}

/**
 * A new project has the template's configuration, with what is given in its place. One that is there keeps its own; the call that
 * made it may come again.
 */
function* withConfig(wanted: TemplateRequest): Tx<CreateProject> {
  const { name, root, description, config, template } = wanted;
  const given = typeof config === "object" && config !== null ? withPresentNames(config) : {};
  const merged = { ...template.config, ...given };
  const known = yield* findProjectByReference(name);
  const whole = known === undefined || isDeepStrictEqual(parseProjectConfig(merged), known.config);
  const own = known !== undefined && config === undefined ? undefined : whole ? merged : config;
  return { name, root, description, config: own };
}

/** A workflow of a template is stored as it is written; an input that is called as one of the template takes its value as default. */
function withDefaults(ctx: EngineContext, { source }: Parsed, inputs: Readonly<Record<string, unknown>>): Parsed {
  const declared = (source["inputs"] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const filled = Object.entries(declared).map(([name, { required, ...input }]) => {
    if (Object.hasOwn(inputs, name)) return [name, { ...input, default: inputs[name] }];
    return [name, { ...input, ...(required === undefined ? {} : { required }) }];
  });
  const own = filled.length === 0 ? source : { ...source, inputs: Object.fromEntries(filled) as object };
  return requireDefinition(own, { limits: ctx.settings });
}

/** A template in a list. */
export function templateLine({ name, folder, template, problems, overrides }: Entry) {
  const from = {
    origin: folder.origin,
    directory: folder.directory,
    ...(overrides ? { overrides_shipped: true as const } : {}),
  };
  if (template === undefined)
    return { name, ...from, problems: problems.slice(0, SHOWN_MAX).map((problem) => ({ ...problem })) };
  const { kind, title, description, inputs, workflows, milestones } = template;
  return {
    name,
    kind,
    title,
    description,
    inputs: { ...inputs },
    ...(kind === "workflow"
      ? { steps: workflows[0]?.definition.steps.length ?? 0 }
      : {
          files: folder.files.length,
          workflows: workflows.map(({ definition }) => definition.name),
          milestones: milestones.map((milestone) => milestone.name),
        }),
    ...from,
  };
}

/** The same with what it makes: the paths of its files, and the definitions. */
export function templateInFull(entry: Entry) {
  const { template, folder } = entry;
  return {
    ...templateLine(entry),
    ...(template === undefined
      ? {}
      : {
          paths: folder.files.map(({ path }) => path),
          definitions: template.workflows.map(({ source }) => ({ ...source })),
        }),
  };
}
