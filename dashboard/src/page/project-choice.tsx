import type { ReactNode } from "react";
import { Shown } from "../parts/shown.js";
import { chooseProject, useProject } from "./project.js";
import { useProjects } from "./shown-projects.js";

export function ProjectChoice(): ReactNode {
  const { project = "" } = useProject();
  const projects = useProjects().data ?? [];
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
