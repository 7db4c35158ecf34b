import type { Problem, ResultOf } from "../data/client.js";
import { useOperation } from "../data/queries.js";
import { useProject } from "./project.js";

type Project = ResultOf<"list_projects">["projects"][number];

/** At most as many as one page of the list has. */
const PROJECTS_MAX = 200;

interface Projects {
  /** Absent while they are not known. */
  readonly data: readonly Project[] | undefined;
  readonly error: Problem | null;
}

/** The active projects. */
export function useProjects(): Projects {
  const { data, error } = useOperation("list_projects", { status: "active", limit: PROJECTS_MAX });
  return { data: data?.projects, error };
}

/** The chosen project, or all of them. */
export function useShownProjects(): Projects {
  const { project } = useProject();
  const { data, error } = useProjects();
  return { data: project === undefined ? data : data?.filter(({ id }) => id === project), error };
}
