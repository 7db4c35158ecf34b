import { PROJECT_STATUSES, STEERING_ROLES } from "../base/statuses.js";
import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import { BatonError, codeOf } from "../base/errors.js";
import { archiveProject, reviveProject } from "../engine/runs/project-archive.js";
import { projectLine, projectStatus, projectStatusView } from "../engine/system/project-status.js";
import { findProject, listProjects } from "../engine/projects/projects.js";
import { createProject, type CreateProject } from "../engine/projects/creation.js";
import { updateProject } from "../engine/projects/updates.js";
import { projectView } from "../engine/projects/views.js";
import type { Files } from "../dispatch/capabilities.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { createFromTemplate, scaffolded } from "./templates.js";
import { budget, count, instant, milestone, runLine, retryingLine, taskStatus, nextPage } from "../dispatch/shapes.js";

const project = z.object({
  id: z.string(),
  name: z.string(),
  root: z.string().nullable(),
  status: z.enum(PROJECT_STATUSES),
  description: z.string().nullable(),
  /** The author of the description. */
  from: z.string().optional(),
  config: z.record(z.string(), z.unknown()),
  created_at: instant,
  updated_at: instant,
});

const reference = params.project.unwrap().describe("Project id or name, from list_projects.");
const description = z.string().max(10_000).optional();
const config = z
  .record(z.string(), z.unknown())
  .optional()
  .describe("worktrees (per_worktree, shared), max_parallel, supervision, require_lead_approval.");

const create = defineOperation({
  name: "create_project",
  title: "Create a project",
  description:
    "Creates a project: a root directory with its configuration, from a template too. In git the first write creates one anyway. Returns it, or the existing one of that name and root.",
  area: "projects",
  effect: "write",
  listed: true,
  input: z.object({
    name: z.string().min(1).max(100),
    root: z.string().min(1).max(4_096).optional().describe("Default: the git root here, if free."),
    description,
    config,
    template: z.string().min(1).max(100).optional().describe("From list_templates."),
    inputs: z.record(z.string(), z.unknown()).optional(),
    overwrite: z.boolean().optional(),
    ...params.acting,
  }),
  output: z.object({ project, created: z.boolean(), scaffolded: scaffolded.optional() }),
  needs: ["files", "templates"],
  perform: async (host, { agent, root, template, inputs, overwrite, ...input }) => {
    const place = root === undefined ? undefined : rootAt(host.files, root);
    if (template !== undefined) {
      const wanted = { ...input, agent, root: place, template, inputs: inputs ?? {}, overwrite: overwrite ?? false };
      const made = await createFromTemplate(host, wanted);
      return { ...made, project: projectView(made.project) };
    }
    if (inputs !== undefined || overwrite !== undefined) throw withoutTemplate();
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      const made = yield* createProject(acting, { ...input, root: place });
      return { project: projectView(made.project), created: made.created };
    });
  },
});

function withoutTemplate(): BatonError {
  return new BatonError("invalid_input", "inputs and overwrite apply to a template: pass template too.", {
    next: [{ tool: "query_operation", arguments: { name: "list_templates", arguments: { kind: "project" } } }],
  });
}

const REFUSALS: ReadonlyMap<string | undefined, string> = new Map([
  ["ENOENT", "does not exist"],
  ["ENOTDIR", "is not a directory"],
  ["EACCES", "may not be read"],
  ["ELOOP", "is a circle of links"],
  ["ENAMETOOLONG", "is too long a path"],
]);

function rootAt(files: Files, root: string): NonNullable<CreateProject["root"]> {
  try {
    const { cwd, gitRoot, caseInsensitive, gitDirectory, repository } = files.readWorkplace(root);
    return { path: cwd, caseInsensitive, ...(gitRoot === cwd ? { repository: { gitDirectory, repository } } : {}) };
  } catch (error) {
    const refusal = REFUSALS.get(codeOf(error));
    if (refusal === undefined) throw error;
    throw new BatonError("invalid_input", `The root ${root} ${refusal}: pass an existing directory.`, {
      details: { root },
    });
  }
}

const lineShape = project.omit({ config: true }).extend({
  runs: count,
  active_runs: count,
  progress: z.number().nullable(),
  cost: z.number(),
  milestones: z.object({ open: count, completed: count, overdue: count }),
});

const list = defineOperation({
  name: "list_projects",
  title: "List projects",
  description:
    "Lists projects by name with their runs, the progress of the active ones, and their milestones. Use it to find a project's id or name.",
  area: "projects",
  effect: "read",
  input: z.object({ status: z.enum(PROJECT_STATUSES).optional(), ...params.paging }),
  output: z.object({ projects: z.array(lineShape), ...nextPage }),
  *run(ctx, { status, limit, cursor }) {
    const { lines, next } = yield* listProjects(ctx, { status, limit, after: cursor });
    return { projects: lines.map(projectLine), ...next };
  },
});

const status = defineOperation({
  name: "get_project_status",
  title: "Project status",
  description:
    "Shows a project's state: runs by status, active runs with their progress, open tasks, who works on what, " +
    "locks and milestones. Use it for an overview of one project; get_run shows a run in full.",
  area: "projects",
  effect: "read",
  input: z.object({ project: params.project }),
  output: z.object({
    project,
    runs: z.record(z.string(), count),
    active_runs: z.array(runLine),
    progress: z.number().nullable(),
    tasks: z.record(taskStatus, count),
    agents: z.array(
      z.object({
        agent: z.string(),
        silent_since: instant.optional(),
        tasks: z.array(
          z.object({ id: z.string(), key: z.string(), run: z.string(), title: z.string(), since: instant.nullable() }),
        ),
      }),
    ),
    retrying: z.array(retryingLine),
    losing: z.array(z.object({ id: z.string(), key: z.string(), run: z.string(), losses: count, losses_max: count })),
    commands_waiting: z.array(z.object({ run: z.string(), kind: z.string(), detail: z.string() })),
    locks: z.object({ held: count, offered: count, waiting: count }),
    milestones: z.array(milestone),
    cost: z.number(),
    budget: budget.optional(),
  }),
  *run(ctx, input) {
    const found = yield* findProject(ctx, input.project);
    if (found === undefined) throw nowhere();
    return projectStatusView(found, yield* projectStatus(ctx, found));
  },
});

export function nowhere(): BatonError {
  return new BatonError("not_found", "No project contains the working directory: pass project.", {
    next: [{ tool: "query_operation", arguments: { name: "list_projects", arguments: {} } }],
  });
}

const update = defineOperation({
  name: "update_project",
  title: "Update a project",
  description:
    "Changes a project's description, configuration and root (where its directory was moved to). Named configuration keys " +
    "change, null resets one to its default; the whole is checked. Returns the project and what changed.",
  area: "projects",
  effect: "write",
  words: ["a repository was moved", "move a project"],
  input: z.object({
    project: reference,
    root: z.string().min(1).max(4_096).optional().describe("Where its directory is now."),
    // Nullable, so that an empty text is not taken for one that was left out.
    description: z.string().max(10_000).nullable().optional().describe("Null or an empty one clears it."),
    config,
    ...params.acting,
  }),
  output: z.object({
    project,
    changed: z.array(z.object({ name: z.string(), from: z.unknown(), to: z.unknown() })),
  }),
  needs: ["files"],
  perform: async (host, { agent, root: written, ...input }) => {
    const root = written === undefined ? undefined : rootAt(host.files, written);
    return host.transact(function* (ctx) {
      const acting = yield* actingAs(ctx, agent);
      const { project: updated, changed } = yield* updateProject(acting, { ...input, root });
      return { project: projectView(updated), changed };
    });
  },
});

const archive = defineOperation({
  name: "archive_project",
  title: "Archive a project",
  description:
    "Archives a project: nothing in it can be claimed or started until restore_project. Refused while a run is active, " +
    "unless force, which cancels those runs. Returns the project and the cancelled runs.",
  area: "projects",
  effect: "destructive",
  permission: STEERING_ROLES,
  input: z.object({
    project: reference,
    force: z.boolean().default(false).describe("Cancel its active runs."),
    ...params.acting,
  }),
  output: z.object({ project, cancelled_runs: z.array(z.string()) }),
  *run(ctx, { agent, project: wanted, force }) {
    const acting = yield* actingAs(ctx, agent);
    const { project: archived, cancelled } = yield* archiveProject(acting, wanted, force);
    return { project: projectView(archived), cancelled_runs: cancelled };
  },
});

const restore = defineOperation({
  name: "restore_project",
  title: "Restore a project",
  description: "Restores an archived project with its workflows and its ad-hoc tasks. Returns the project.",
  area: "projects",
  effect: "write",
  input: z.object({ project: reference, ...params.acting }),
  output: z.object({ project }),
  *run(ctx, { agent, project: wanted }) {
    const acting = yield* actingAs(ctx, agent);
    return { project: projectView(yield* reviveProject(acting, wanted)) };
  },
});

export const projectOperations = [create, list, status, update, archive, restore] as const;
