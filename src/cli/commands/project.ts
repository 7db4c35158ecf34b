import { answer, type Desk, type Shared, withApp } from "../command.js";
import { table } from "../table.js";

export interface CreateOptions extends Shared {
  readonly root?: string;
  readonly description?: string;
}

export async function listProjects(desk: Desk, options: Shared & { status?: string }): Promise<void> {
  await withApp(desk, options, async (ask) => {
    const { status } = options;
    const found = await ask("list_projects", { limit: 200, ...(status !== undefined && { status }) });
    const rows = found.projects.map((one) => [
      one.name,
      one.status,
      String(one.active_runs),
      one.progress === null ? "-" : `${one.progress} %`,
      one.root ?? "-",
    ]);
    const text =
      rows.length === 0
        ? "No projects yet: one is made at the first write in a git repository, or by `baton project create NAME`."
        : table(["name", "status", "active runs", "progress", "root"], rows, desk.stdout);
    answer(desk, options, { data: found, text });
  });
}

export async function createProject(desk: Desk, name: string, options: CreateOptions): Promise<void> {
  await withApp(desk, options, async (ask) => {
    const { root, description } = options;
    const input = { name, ...(root !== undefined && { root }), ...(description !== undefined && { description }) };
    const made = await ask("create_project", input);
    const { project, created } = made;
    const where = project.root === null ? "without a root" : project.root;
    answer(desk, options, { data: made, text: `${project.name} ${created ? "made" : "was there already"}: ${where}` });
  });
}
