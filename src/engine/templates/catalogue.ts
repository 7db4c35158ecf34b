import { createHash } from "node:crypto";
import type { TemplateFolder } from "../../runtime/files/template-folders.js";
import { readDefinitionText } from "../definitions/text.js";
import type { DefinitionLimits } from "../definitions/step-checks.js";
import { normalInputs, type Parsed, parseDefinition } from "../definitions/definition.js";
import { BatonError } from "../../base/errors.js";
import { addInputProblems } from "../definitions/inputs.js";
import { hint, isName, NAME_RULE, isNamed } from "../../base/names.js";
import { missingFirst, type Problem, Problems, problemsError, zodProblems } from "../../base/problems.js";
import { addFileProblems, type FileTemplate } from "./scaffolds.js";
import { KEYS_OF, type Manifest, manifestSchema, type TemplateKind } from "./manifest.js";

/** A template that can be used. The inputs of one of a workflow are those of its definition. */
export interface Template extends FileTemplate {
  readonly kind: TemplateKind;
  readonly title: string;
  readonly description: string;
  /** Words of a goal that say it fits. */
  readonly keywords: readonly string[];
  readonly config: NonNullable<Manifest["config"]>;
  readonly milestones: NonNullable<Manifest["milestones"]>;
  /** A project template's stored workflows; a workflow template's only one. */
  readonly workflows: readonly Parsed[];
}

/** The entry of a name: a template, or the reason why it is invalid. */
export interface Entry {
  readonly name: string;
  readonly folder: TemplateFolder;
  readonly template?: Template;
  /** Empty for a template. */
  readonly problems: readonly Problem[];
  /** Whether it stands in place of a shipped one. */
  readonly overrides: boolean;
}

/** The templates by name. A person's own goes before the shipped one of its name, also a broken one: it says so then. */
export function readTemplates(folders: readonly TemplateFolder[], limits: DefinitionLimits): Entry[] {
  const shipped = new Set(folders.filter(({ origin }) => origin === "shipped").map(({ name }) => name));
  const own = new Set(folders.filter(({ origin }) => origin === "user").map(({ name }) => name));
  return folders
    .filter(({ name, origin }) => origin === "user" || !own.has(name))
    .map((folder) => ({
      name: folder.name,
      folder,
      ...readTemplate(folder, limits),
      overrides: folder.origin === "user" && shipped.has(folder.name),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

type Reading = Pick<Entry, "template" | "problems">;

// Results for texts read before: reading them takes a hundred times as long as seeing that they are the same.
const readBefore = new Map<string, Reading>();
const KNOWN_MAX = 500;

function readTemplate(folder: TemplateFolder, limits: DefinitionLimits): Reading {
  if (folder.files.some(({ content }) => content !== undefined)) return readAfresh(folder, limits);
  const id = createHash("sha256")
    .update(JSON.stringify([folder, limits]))
    .digest("base64url");
  const reading = readBefore.get(id) ?? readAfresh(folder, limits);
  if (readBefore.size >= KNOWN_MAX) readBefore.clear();
  readBefore.set(id, reading);
  return reading;
}

function readAfresh(folder: TemplateFolder, limits: DefinitionLimits): Reading {
  const problems = new Problems();
  for (const problem of folder.problems) problems.add(problem);
  if (folder.problems.some(({ path }) => path === MANIFEST)) return { problems: problems.list() };
  const manifest = readManifest(folder, problems);
  if (manifest === undefined) return { problems: problems.list() };
  const workflows = readWorkflows(folder, { limits, problems });
  addKindProblems(manifest, folder, problems);
  addMilestoneProblems(manifest, workflows, problems);
  addInputProblems(manifest.inputs ?? {}, prefixed(problems));
  const inputs =
    manifest.kind === "workflow" ? (workflows[0]?.definition.inputs ?? {}) : normalInputs(manifest.inputs ?? {});
  const { kind, title, description, keywords = [], config = {}, milestones = [], verbatim = [] } = manifest;
  const own = { name: folder.name, kind, title, description, keywords, inputs, config, milestones, verbatim };
  const template: Template = { ...own, workflows, folder };
  addFileProblems(template, problems);
  return problems.count > 0 ? { problems: problems.list() } : { template, problems: [] };
}

const MANIFEST = "template.yaml";
const A_MANIFEST = "a template is a map with the keys kind, title and description";

/** A problem of a text that is one file of several. */
function inFile(file: string, problem: Problem): Problem {
  return { ...problem, path: problem.path === "" ? file : `${file}: ${problem.path}` };
}

/** Problems of another's wording, below the manifest. */
function prefixed(problems: Problems): Problems {
  const inner = new Problems();
  inner.add = (problem) => problems.add(inFile(MANIFEST, problem));
  return inner;
}

function readManifest({ name, manifest: text }: TemplateFolder, problems: Problems): Manifest | undefined {
  if (!isName(name))
    problems.add({ path: "", message: `the folder's name is the template's, and must be a name: ${NAME_RULE}` });
  const read = readDefinitionText(text, A_MANIFEST);
  const inManifest = prefixed(problems);
  if ("problems" in read) {
    read.problems.forEach((problem) => inManifest.add(problem));
    return undefined;
  }
  const parsed = manifestSchema.safeParse(read.value, { error: missingFirst });
  if (!parsed.success) {
    zodProblems(parsed.error).forEach((problem) => inManifest.add(problem));
    return undefined;
  }
  const { name: said = name } = parsed.data;
  if (said !== name) inManifest.add({ path: "name", message: `is "${said}", and the folder is called "${name}"` });
  return parsed.data;
}

function addKindProblems(manifest: Manifest, { files, workflows }: TemplateFolder, problems: Problems): void {
  const { kind } = manifest;
  const other: TemplateKind = kind === "project" ? "workflow" : "project";
  const say = (path: string, message: string) => problems.add({ path, message });
  for (const key of KEYS_OF[other])
    if (manifest[key] !== undefined) say(`${MANIFEST}: ${key}`, `says nothing of a ${kind} template`);
  const alone = workflows.some(({ path }) => path === "workflow.yaml");
  if (kind === "workflow") {
    if (!alone) say("workflow.yaml", "is not there: it is the workflow of a workflow template");
    if (workflows.length > (alone ? 1 : 0)) say("workflows", "are stored by a project template only");
    if (files.length > 0) say("files", "are made by a project template only");
  } else if (alone)
    say("workflow.yaml", "is that of a workflow template; a project template stores what is in workflows/");
}

interface Checks {
  readonly limits: DefinitionLimits;
  readonly problems: Problems;
}

function readWorkflows({ workflows, name }: TemplateFolder, { limits, problems }: Checks): Parsed[] {
  const seen = new Set<string>();
  return workflows.flatMap(({ path, text }) => {
    const parsed = parseDefinition(text, { limits, name: path === "workflow.yaml" ? name : stem(path) });
    if ("problems" in parsed) {
      for (const problem of parsed.problems) problems.add(inFile(path, problem));
      return [];
    }
    const { name: called } = parsed.definition;
    if (seen.has(called)) problems.add({ path, message: `a second workflow "${called}"` });
    seen.add(called);
    return [parsed];
  });
}

function stem(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.\w+$/, "");
}

function addMilestoneProblems({ milestones = [] }: Manifest, workflows: readonly Parsed[], problems: Problems): void {
  const known = workflows.map(({ definition }) => definition.name);
  const seen = new Set<string>();
  for (const [index, { name, workflows: linked = [] }] of milestones.entries()) {
    const at = `${MANIFEST}: milestones[${index}]`;
    if (seen.has(name)) problems.add({ path: `${at}.name`, message: `a second milestone "${name}"` });
    seen.add(name);
    for (const workflow of linked.filter((one) => !known.includes(one)))
      problems.add({
        path: `${at}.workflows`,
        message: `the template has no workflow "${workflow}"${hint(workflow, known)}`,
      });
  }
}

/**
 * The template of a name and kind. Errors: `not_found` with the nearest name; `invalid_input` for one that is broken, with every
 * problem, or of the other kind.
 */
export function requireTemplate(entries: readonly Entry[], name: string, kind?: TemplateKind): Template {
  const entry = entries.find((one) => one.name === name) ?? entries.find((one) => isNamed(one.name, name));
  const next = [
    { tool: "query_operation", arguments: { name: "list_templates", arguments: kind === undefined ? {} : { kind } } },
  ];
  if (entry === undefined) {
    const known = entries.flatMap(({ template }) =>
      template && (kind ?? template.kind) === template.kind ? [template.name] : [],
    );
    const message = `There is no ${kind === undefined ? "" : `${kind} `}template "${name}"${hint(name, known)}.`;
    throw new BatonError("not_found", message, {
      details: { template: name, known },
      next,
    });
  }
  const { template, problems, folder } = entry;
  if (template === undefined) {
    const error = problemsError(`The template "${name}" in ${folder.directory} cannot be used`, problems);
    throw new BatonError(error.code, error.message, {
      details: { ...error.details, directory: folder.directory },
      next,
    });
  }
  if (kind === undefined || template.kind === kind) return template;
  const use = template.kind === "project" ? "create_project" : "execute_workflow or orchestrate";
  throw new BatonError("invalid_input", `"${name}" is a ${template.kind} template: it is for ${use}.`, { next });
}
