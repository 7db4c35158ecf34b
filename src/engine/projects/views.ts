import { iso } from "../../base/time.js";
import type { Project } from "../../store/projects/projects.js";

export function projectView(project: Project) {
  return {
    id: project.id,
    name: project.name,
    root: project.root,
    status: project.status,
    description: project.description,
    // The author of the description.
    ...(project.describedBy === null ? {} : { from: project.describedBy }),
    config: { ...project.config },
    created_at: iso(project.createdAt),
    updated_at: iso(project.updatedAt),
  };
}
