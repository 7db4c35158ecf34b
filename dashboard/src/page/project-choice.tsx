import type { ReactNode } from "react";
import { useOperation } from "../data/queries.js";
import { Shown } from "../parts/shown.js";
import { chooseProject, useProject } from "./project.js";

/** At most as many as one page of the list has. */
const PROJECTS_MAX = 200;

export function ProjectChoice(): ReactNode {
  const { project = "" } = useProject();
  const projects = useOperation("list_projects", { status: "active", limit: PROJECTS_MAX }).data?.projects ?? [];
  return (
    <label className="choice">
      <span>Project</span>
      <select value={project} onChange={(event) => chooseProject(event.target.value)}>
        <option value="">all</option>
        {projects.map(({ id, name }) => (
          <option key={id} value={id}>
            <Shown text={name} />
          </option>
        ))}
      </select>
    </label>
  );
}
