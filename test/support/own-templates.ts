import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { startApp, type TestAppOptions } from "./app.js";
import { temporaryDirectory } from "./databases.js";

export const MANIFEST = "kind: project\ntitle: Mine\ndescription: One of my own.\n";
export const FLOW = "name: flow\nsteps: [{ key: a, prompt: a }]\n";

export type Files = Readonly<Record<string, string | Buffer>>;

/** A directory with templates, each given by what lies in it. */
export function templates(folders: Readonly<Record<string, Files>>): string {
  const directory = realpathSync(temporaryDirectory());
  for (const [name, files] of Object.entries(folders)) write(path.join(directory, name), files);
  return directory;
}

export function write(directory: string, files: Files): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
}

/** A process in an empty directory, with these templates; `create` makes the project `demo` there from the one called `mine`. */
export async function start(directory: string, options: TestAppOptions = {}) {
  const root = realpathSync(options.cwd ?? temporaryDirectory());
  const app = await startApp({ cwd: root, ...options, env: { BATON_TEMPLATES_DIRECTORY: directory } });
  const create = (rest: Record<string, unknown> = {}) =>
    app.call("create_project", { name: "demo", root, template: "mine", ...rest });
  return { ...app, root, create };
}

/** A directory with one template. */
export const mine = (files: Files) => templates({ mine: { "template.yaml": MANIFEST, ...files } });
