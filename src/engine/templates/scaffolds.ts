import { startOf } from "../../base/texts/stored-values.js";
import picomatch from "picomatch";
import type { NewFile } from "../../runtime/scaffolding.js";
import type { FolderFile, TemplateFolder } from "../../runtime/files/template-folders.js";
import { evaluate, EvaluationFailed, readExpression, type Values } from "../expressions/expressions.js";
import type { Scope } from "../expressions/names.js";
import { NAME_BYTES_MAX, PATH_BYTES_MAX } from "../paths/paths.js";
import type { InputDefinition } from "../definitions/inputs.js";
import { Problems, problemsError } from "../../base/problems.js";
import { fillInText, isTemplate, templateParts, textOf } from "../expressions/interpolation.js";

// A project template makes files from its files/ directory: their contents and their names are texts in which `${{
// inputs.x }}` and `${{ project.name }}` stand. Binary files, and files named under `verbatim`, are copied byte by
// byte.

/** A template's rules for its files. */
export interface FileTemplate {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  /** Patterns of files that are copied as they are. */
  readonly verbatim: readonly string[];
  readonly folder: TemplateFolder;
}

/** Expressions of one file. */
const EXPRESSIONS_MAX = 2_000;

/** Adds the problems of the files as they are, before anything is filled in. */
export function addFileProblems(template: FileTemplate, problems: Problems): void {
  const inputs = Object.fromEntries(Object.entries(template.inputs).map(([name, { type }]) => [name, type]));
  const scope: Scope = { inputs, steps: new Set(), comesBefore: () => false, inElement: false };
  const check = { scope, problems };
  for (const file of template.folder.files) {
    const at = `files/${file.path}`;
    for (const name of file.path.split("/")) addTextProblems(name, at, check);
    const text = filledText(template, file);
    if (text !== undefined) addTextProblems(text, at, { ...check, lines: true });
  }
}

interface TextCheck {
  readonly scope: Scope;
  readonly problems: Problems;
  /** Whether a problem's line says more than its file. */
  readonly lines?: boolean;
}

function addTextProblems(text: string, path: string, { scope, problems, lines }: TextCheck): void {
  if (!isTemplate(text)) return;
  const lineOf = (at: number) => (lines ? { line: text.slice(0, at).split("\n").length } : {});
  if (text.split("${{").length > EXPRESSIONS_MAX) {
    return problems.add({
      path,
      message: `has more than ${EXPRESSIONS_MAX} expressions: name it in verbatim`,
      limit: true,
    });
  }
  const parts = templateParts(text);
  if ("unclosedAt" in parts) {
    const message = "`${{` has no end: close it with `}}`, or name the file in verbatim, so that it is copied as it is";
    return problems.add({ path, ...lineOf(parts.unclosedAt), message });
  }
  for (const part of parts) {
    if (typeof part === "string") continue;
    const read = readExpression(part.source, scope);
    if (!("problems" in read)) continue;
    for (const { message } of read.problems)
      problems.add({ path, ...lineOf(part.at), message: `\`${part.source}\`: ${message}` });
  }
}

/** The text of a file that is to be filled in; undefined for one that is copied as it is, or that was not read. */
function filledText({ verbatim }: FileTemplate, { path, content }: FolderFile): string | undefined {
  if (content === undefined || !content.includes("${{")) return undefined;
  if (verbatim.length > 0 && picomatch.isMatch(path, [...verbatim], { dot: true })) return undefined;
  if (content.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

export interface Filling {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly project: { readonly name: string; readonly root: string };
  /** Whether the file system at the root ignores case. */
  readonly caseInsensitive: boolean;
}

/** The files that a template makes of what it is filled in with. Errors: `invalid_input` with every problem. */
export function scaffold(template: FileTemplate, filling: Filling): NewFile[] {
  const problems = new Problems();
  const values: Values = { inputs: filling.inputs, project: filling.project };
  const files = template.folder.files.flatMap((file) => {
    try {
      const text = filledText(template, file);
      const content = text === undefined ? file.content : Buffer.from(fillInFile(text, file.path, values));
      if (content === undefined) throw new Error(`files/${file.path} of ${template.name} was not read`);
      return [{ path: filledPath(file.path, values), content, executable: file.executable, from: file.path }];
    } catch (error) {
      if (!(error instanceof EvaluationFailed) && !(error instanceof PathRefused)) throw error;
      problems.add({ path: `files/${file.path}`, message: error.message });
      return [];
    }
  });
  addClashes(files, filling, problems);
  if (problems.count > 0) throw problemsError(`The template "${template.name}" cannot make its files`, problems.list());
  return files.map(({ path, content, executable }) => ({ path, content, executable }));
}

const JSON_FILE = /\.(?:json|jsonc|json5|webmanifest)$/i;
const CODE_FILE = /\.[cm]?[jt]sx?$/i;

/**
 * Fills a file in. Values are data: within double quotes of JSON or JavaScript they are written as the contents of a text, and
 * elsewhere in JSON as JSON, whatever an input holds. Throws `EvaluationFailed`.
 */
function fillInFile(text: string, path: string, values: Values): string {
  const isJson = JSON_FILE.test(path);
  const parts = templateParts(text);
  if ((!isJson && !CODE_FILE.test(path)) || "unclosedAt" in parts) return fillInText(text, values);
  let [filled, line] = ["", ""];
  for (const part of parts) {
    if (typeof part === "string") {
      filled += part;
      line = part.includes("\n") ? part.slice(part.lastIndexOf("\n")) : line + part;
      continue;
    }
    const value = evaluate(part.source, values);
    if (isOpenText(line)) filled += JSON.stringify(textOf(value)).slice(1, -1);
    else filled += isJson ? JSON.stringify(value ?? null) : textOf(value);
  }
  return filled;
}

/** Whether the end of what is written of a line stands within double quotes. */
function isOpenText(line: string): boolean {
  return (line.replace(/\\./g, "").split('"').length - 1) % 2 === 1;
}

class PathRefused extends Error {}

// Control characters, separators of either kind, and signs that are not seen or change the direction of a text: some file
// systems leave those out, and a name that looks like .git is then .git.
const NOT_IN_A_NAME = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\\/:]/u;
// On Windows, whatever ending follows.
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|$)/iu;

/**
 * Where a file goes. Each name of the way is filled in by itself and must be one name still: whatever an input holds, the file
 * stays below the root, and out of .git, where a file can be a command.
 */
function filledPath(path: string, values: Values): string {
  const names = path.split("/").map((name) => (isTemplate(name) ? fillInText(name, values) : name));
  const filled = names.join("/");
  const shown = JSON.stringify(startOf(filled, 200));
  for (const name of names) {
    if (name === "" || /^\.+$/.test(name) || NOT_IN_A_NAME.test(name) || /[. ]$/.test(name))
      throw new PathRefused(
        `would be made at ${shown}, where ${JSON.stringify(startOf(name, 100))} is not the name of a file or directory inside the root`,
      );
    if (DEVICE.test(name))
      throw new PathRefused(
        `would be made at ${shown}, where ${JSON.stringify(name)} is the name of a device on Windows`,
      );
    if (name.toLowerCase() === ".git" || name.toLowerCase() === "git~1")
      throw new PathRefused(`would be made at ${shown}, which is git's own`);
    if (Buffer.byteLength(name) > NAME_BYTES_MAX)
      throw new PathRefused(`has a name of more than ${NAME_BYTES_MAX} bytes`);
  }
  if (Buffer.byteLength(filled) > PATH_BYTES_MAX)
    throw new PathRefused(`has a path of more than ${PATH_BYTES_MAX} bytes`);
  return filled;
}

function addClashes(
  files: readonly { path: string; from: string }[],
  { caseInsensitive }: Filling,
  problems: Problems,
): void {
  const keyOf = (path: string) => (caseInsensitive ? path.toLowerCase() : path);
  const taken = new Map<string, string>();
  for (const { path, from } of files) {
    const other = taken.get(keyOf(path));
    if (other !== undefined)
      problems.add({ path: `files/${from}`, message: `becomes "${path}", as files/${other} does` });
    taken.set(keyOf(path), from);
  }
  for (const { path, from } of files) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const file = taken.get(keyOf(path.slice(0, end)));
      if (file !== undefined)
        problems.add({ path: `files/${from}`, message: `lies below files/${file}, which is a file` });
    }
  }
}
