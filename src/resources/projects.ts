import type { EngineContext } from "../engine/context.js";
import { projectLine, projectStatus, projectStatusView } from "../engine/system/project-status.js";
import { findProject, listProjects, type Project } from "../engine/projects/projects.js";
import { suggestProjects } from "../engine/system/completions.js";
import type { Tx } from "../store/tx.js";
import { type FixedResource, isNote, LISTED_MAX, type ResourceTemplate } from "./resource.js";

export const projects: FixedResource = {
  uri: "baton://projects",
  name: "projects",
  title: "Projects",
  description:
    "Every project by name, with its runs, the progress of the active ones, and milestones. The first 200; list_projects pages.",
  *read(ctx) {
    const { lines, next } = yield* listProjects(ctx, { limit: LISTED_MAX });
    return { projects: lines.map(projectLine), ...next };
  },
  changedBy: (change) => /^(?:project|milestone)\./.test(change.type) || (change.run !== null && !isNote(change)),
};

export const project: ResourceTemplate = {
  uriTemplate: "baton://projects/{id}",
  name: "project",
  title: "Project",
  description:
    "Status of a project, by its id or name: runs by status, active runs with their progress, open tasks, agents and their tasks, locks, milestones.",
  *read(ctx, id) {
    const found = yield* required(ctx, id);
    return projectStatusView(found, yield* projectStatus(ctx, found));
  },
  complete: suggestProjects,
  changedBy: (change) => (isNote(change) ? null : change.project),
  *follow(ctx, id) {
    return [(yield* required(ctx, id)).id];
  },
};

function* required(ctx: EngineContext, reference: string): Tx<Project> {
  const found = yield* findProject(ctx, reference);
  if (found === undefined) throw new Error("an unknown project was not refused");
  return found;
}
