import type { ResultOf } from "../data/client.js";
import { useOperation } from "../data/queries.js";
import { useProject } from "./project.js";

type Project = ResultOf<"list_projects">["projects"][number];

/** At most as many as one page of the list has. */
const PROJECTS_MAX = 200;

/** The active projects; `undefined` while they are not known. */
export function useProjects(): readonly Project[] | undefined {
  return useOperation("list_projects", { status: "active", limit: PROJECTS_MAX }).data?.projects;
}

/** The chosen project, or all of them; `undefined` while they are not known. */
export function useShownProjects(): readonly Project[] | undefined {
  const { project } = useProject();
  const all = useProjects();
  return project === undefined ? all : all?.filter(({ id }) => id === project);
}
