import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Baton, environmentOf } from "./baton.js";
import { runGit } from "./git.js";
import type { Hooks, ToolCall } from "./hooks.js";
import type { News, Orders } from "./orders.js";

const LOCK_WAIT_SECONDS = 30;

export interface FilesContext {
  readonly baton: Baton;
  readonly hooks: Hooks;
  readonly orders: Orders;
  readonly tell: (news: News) => void;
}

/** A client's own tools for files and git, as an assistant has them: a hook of the client may refuse each call. */
export class Files {
  readonly #context: FilesContext;
  #hasAddedAll = false;

  constructor(context: FilesContext) {
    this.#context = context;
  }

  /** Returns the text of a file, empty where there is none. */
  async read(file: string): Promise<string> {
    return textOf(path.join(this.#context.orders.place.repository, file));
  }

  /** Changes a file for a task. */
  async edit(
    { id }: { readonly id: string },
    { file, added }: { readonly file: string; readonly added: string },
    change: (before: string) => string,
  ): Promise<void> {
    // A model edits first and reads afterwards that it should not have: the lock is what a refusal asks for.
    const refused = await this.#refused({ kind: "edit", file });
    await this.#lock(id, file);
    if (refused && (await this.#refused({ kind: "edit", file })))
      throw new Error(`${file} is locked and still refused`);
    const place = path.join(this.#context.orders.place.repository, file);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, change(await textOf(place)));
    this.#context.tell({ kind: "edited", edit: { client: this.#context.orders.name, file, text: added } });
  }

  /** Commits these files, whatever else is open in the same work tree. Tries first, once, what models do out of habit. */
  async commit(message: string, files: readonly string[]): Promise<void> {
    if (!this.#hasAddedAll && !(await this.#refused({ kind: "shell", command: "git add -A" })))
      await this.#git("add", "-A");
    this.#hasAddedAll = true;
    await this.#git("add", "--", ...files);
    await this.#git("commit", "--quiet", "--message", message, "--", ...files);
  }

  async release({ id }: { readonly id: string }, files: readonly string[]): Promise<void> {
    await this.#context.baton.call("release_file_lock", { paths: [...files], task: id });
  }

  /** Whether a hook refuses a call. */
  async #refused(call: ToolCall): Promise<boolean> {
    const why = await this.#context.hooks.refusal(call);
    if (why === undefined) return false;
    const { orders, tell } = this.#context;
    const named = call.kind === "edit" ? "an edit" : call.command;
    tell({ kind: "refused", refusal: { client: orders.name, at: Date.now(), call: named, why } });
    return true;
  }

  /** A file that the task declared is held by it already. */
  async #lock(task: string, file: string): Promise<void> {
    const wanted = { paths: [file], task, wait_seconds: LOCK_WAIT_SECONDS, reason: "edits it" };
    const { outcome } = await this.#context.baton.call("acquire_file_lock", wanted);
    if (outcome !== "granted") throw new Error(`${file} could not be locked: ${outcome}`);
  }

  async #git(...args: string[]): Promise<void> {
    const { name, place } = this.#context.orders;
    const author = ["-c", `user.name=${name}`, "-c", `user.email=${name}@localhost`];
    await runGit([...author, ...args], { cwd: place.repository, env: environmentOf(place, this.#context.orders) });
  }
}

export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
