import { lstat, opendir, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { PACKAGE_ROOT } from "../package-root.js";
import { BatonError, unlessCode } from "../../base/errors.js";
import { utf8Text } from "../../base/texts/text-file.js";
import { isNamed } from "../../base/names.js";

/** A template as it lies on disk: its texts, and the files that it would make. What they mean is the engine's business. */
export interface TemplateFolder {
  /** The folder's. */
  readonly name: string;
  readonly origin: "shipped" | "user";
  readonly directory: string;
  /** The text of template.yaml; empty where it cannot be read. */
  readonly manifest: string;
  /** workflow.yaml and what lies in workflows/, in order of their paths. */
  readonly workflows: readonly { readonly path: string; readonly text: string }[];
  /** Files below files/, in order of their paths. */
  readonly files: readonly FolderFile[];
  /** Files that could not be read, and why. */
  readonly problems: readonly { readonly path: string; readonly message: string; readonly limit?: true }[];
}

export interface FolderFile {
  /** Below files/, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly executable: boolean;
  /** Only where it was asked for. */
  readonly content?: Buffer;
}

/** Bounds, so that a template is always small enough to be held in memory. */
const TEMPLATES_MAX = 200;
const MANIFEST_BYTES_MAX = 262_144;
const WORKFLOWS_MAX = 50;
const WORKFLOW_BYTES_MAX = 1_048_576;
const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 4_194_304;
const ALL_BYTES_MAX = 16_777_216;
const DEPTH_MAX = 20;

const SHIPPED = path.join(PACKAGE_ROOT, "templates");

/**
 * The templates that are shipped and a person's own, by name within each; the contents of files only of those with the name
 * `contentsOf`. A directory that is not there holds none. What cannot be read of a template is a problem of that template.
 */
export async function readTemplateFolders(own: string, contentsOf?: string): Promise<TemplateFolder[]> {
  const places: FolderLocation[] = [];
  for (const [root, origin] of [
    [SHIPPED, "shipped"],
    [own, "user"],
  ] as const) {
    for (const name of await foldersIn(root)) places.push({ name, origin, directory: path.join(root, name) });
  }
  return Promise.all(places.map((place) => new FolderReader(place, isNamed(place.name, contentsOf)).read()));
}

async function foldersIn(root: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of (await orUndefined(readdir(root)))?.toSorted() ?? []) {
    // A linked template folder is accepted: the directory is the person's own.
    const found = name.startsWith(".") ? undefined : await orUndefined(stat(path.join(root, name)));
    if (found?.isDirectory()) names.push(name);
    if (names.length >= TEMPLATES_MAX) break;
  }
  return names;
}

type FolderLocation = Pick<TemplateFolder, "name" | "origin" | "directory">;

class FolderReader {
  readonly #problems: { path: string; message: string; limit?: true }[] = [];
  readonly #files: FolderFile[] = [];
  #bytes = 0;

  constructor(
    readonly place: FolderLocation,
    readonly withContents: boolean,
  ) {}

  async read(): Promise<TemplateFolder> {
    const manifest = (await this.#text("template.yaml", MANIFEST_BYTES_MAX)) ?? "";
    const workflows: { path: string; text: string }[] = [];
    for (const name of await this.#workflowNames()) {
      const text = await this.#text(name, WORKFLOW_BYTES_MAX);
      if (text !== undefined) workflows.push({ path: name, text });
    }
    const files = path.join(this.place.directory, "files");
    if ((await orUndefined(lstat(files))) !== undefined) await this.#walk("", 1);
    this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { ...this.place, manifest, workflows, files: this.#files, problems: this.#problems };
  }

  async #workflowNames(): Promise<string[]> {
    const alone = (await orUndefined(lstat(path.join(this.place.directory, "workflow.yaml")))) ? ["workflow.yaml"] : [];
    const listed = (await orUndefined(readdir(path.join(this.place.directory, "workflows")))) ?? [];
    const names = listed.filter((name) => /\.(?:ya?ml|json)$/.test(name)).toSorted();
    if (names.length > WORKFLOWS_MAX)
      this.#say("workflows", `${names.length} workflows; the limit is ${WORKFLOWS_MAX}`);
    return [...alone, ...names.slice(0, WORKFLOWS_MAX).map((name) => `workflows/${name}`)];
  }

  async #text(name: string, bytesMax: number): Promise<string | undefined> {
    const file = path.join(this.place.directory, name);
    const found = await orUndefined(stat(file));
    if (!found?.isFile()) return this.#tell(name, "does not exist, or is not a file");
    if (found.size > bytesMax) return this.#say(name, `has ${found.size} bytes; the limit is ${bytesMax}`);
    const bytes = await orUndefined(readFile(file));
    if (bytes === undefined) return this.#tell(name, "may not be read");
    try {
      return utf8Text(bytes, name);
    } catch (error) {
      if (error instanceof BatonError) return this.#tell(name, error.message);
      throw error;
    }
  }

  /** A link is never followed: what it leads to is no part of the template. */
  async #walk(below: string, depth: number): Promise<void> {
    const directory = path.join(this.place.directory, "files", below);
    const shown = `files/${below}`;
    if (depth > DEPTH_MAX) return this.#say(shown, `lies deeper than ${DEPTH_MAX} directories`);
    const handle = await orUndefined(opendir(directory));
    if (handle === undefined) return this.#tell(shown, "is not a readable directory");
    for await (const entry of handle) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (this.#files.length >= FILES_MAX) return this.#tooMany();
      if (entry.isDirectory()) await this.#walk(name, depth + 1);
      else if (entry.isFile()) await this.#add(name);
      else
        this.#tell(
          `files/${name}`,
          `is a ${entry.isSymbolicLink() ? "symbolic link" : "special file"}: a template holds files and directories only`,
        );
    }
  }

  #tooMany(): void {
    if (!this.#problems.some(({ path: place }) => place === "files"))
      this.#say("files", `holds more than ${FILES_MAX} files`);
  }

  async #add(name: string): Promise<void> {
    const file = path.join(this.place.directory, "files", name);
    const { size, mode } = await lstat(file);
    this.#bytes += size;
    if (size > FILE_BYTES_MAX) return this.#say(`files/${name}`, `has ${size} bytes; the limit is ${FILE_BYTES_MAX}`);
    if (this.#bytes > ALL_BYTES_MAX)
      return this.#say(`files/${name}`, `makes it more than ${ALL_BYTES_MAX} bytes in all`);
    const content = this.withContents ? await orUndefined(readFile(file)) : undefined;
    if (this.withContents && content === undefined) return this.#tell(`files/${name}`, "may not be read");
    this.#files.push({ path: name, bytes: size, executable: (mode & 0o100) !== 0, ...(content && { content }) });
  }

  #tell(place: string, message: string): undefined {
    this.#problems.push({ path: place, message });
  }

  #say(place: string, message: string): undefined {
    this.#problems.push({ path: place, message, limit: true });
  }
}

/** Undefined for what is not there or may not be read. */
function orUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  return unlessCode(read, "ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "EISDIR", "ENAMETOOLONG");
}
