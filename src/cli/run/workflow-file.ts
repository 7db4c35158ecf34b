import type { ResultOf } from "../../tools/registry.js";
import fs from "node:fs";
import path from "node:path";
import { BatonError, hasCode } from "../../base/errors.js";
import { readDefinition } from "../../dispatch/definition-param.js";
import type { TypedCall } from "../typed-calls.js";
import { utf8Text } from "../../base/texts/text-file.js";
import { UsageError } from "../failure.js";
import { jsonOrText } from "../operation-flags.js";

export interface WorkflowFile {
  /** As it was typed. */
  readonly file: string;
  readonly text: string;
}

/** Undefined where there is no such file. `-` is stdin. Throws `UsageError` for one that cannot be read. */
export function findWorkflowFile(
  file: string,
  { cwd, stdin }: { cwd: string; stdin: () => string },
): WorkflowFile | undefined {
  if (file === "-") return withText({ file: "stdin", text: stdin() });
  try {
    return withText({ file, text: utf8Text(fs.readFileSync(path.resolve(cwd, file)), file) });
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    if (hasCode(error, "EISDIR")) throw new UsageError(`${file} is a directory: name a workflow file in it.`);
    if (hasCode(error, "EACCES")) throw new UsageError(`${file} cannot be read: permission denied.`);
    throw error;
  }
}

function withText(found: WorkflowFile): WorkflowFile {
  if (found.text.trim() !== "") return found;
  throw new UsageError(`${found.file} is empty: a workflow is a map with the keys name and steps.`);
}

/** A file that must be there. */
export function readWorkflowFile(file: string, place: { cwd: string; stdin: () => string }): WorkflowFile {
  const found = findWorkflowFile(file, place);
  if (found === undefined) throw new UsageError(`There is no file ${file}${similarFiles(file, place.cwd)}.`);
  return found;
}

/** Names workflow files that stand where the missing one was looked for. */
export function similarFiles(file: string, cwd: string): string {
  const directory = path.dirname(path.resolve(cwd, file));
  if (!fs.existsSync(directory)) return "";
  const there = fs
    .readdirSync(directory)
    .filter((name) => /\.(?:ya?ml|json)$/.test(name) && hasSteps(path.join(directory, name)))
    .sort();
  const shown = there.slice(0, 5).map((name) => path.join(path.dirname(file), name));
  return shown.length === 0 ? "" : `; there ${there.length === 1 ? "is" : "are"} ${shown.join(", ")}`;
}

const BYTES_READ_MAX = 1024 * 1024;

/** Whether a file may be a workflow: other files of these kinds, such as package.json, are not offered. */
function hasSteps(file: string): boolean {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size > BYTES_READ_MAX) return false;
  try {
    return /^\s*"?steps"?\s*:/m.test(fs.readFileSync(file, "latin1"));
  } catch (error) {
    if (hasCode(error, "EACCES", "ENOENT")) return false;
    throw error;
  }
}

/** The definition in the file. Throws `invalid_input` with every problem, each with its line where it is known. */
export async function checkedDefinition(
  { file, text }: WorkflowFile,
  call: TypedCall,
): Promise<Record<string, unknown>> {
  const { valid, problems } = await call("validate_workflow", { yaml: text });
  if (!valid) {
    const lines = problemLines(file, problems);
    throw new BatonError("invalid_input", [`${file} is not a valid workflow:`, ...lines].join("\n"), {
      details: { problems },
    });
  }
  return readDefinition(text);
}

export function problemLines(file: string, problems: ResultOf<"validate_workflow">["problems"]): string[] {
  return problems.map(({ path: place, line, step, message }) => {
    const field = step === undefined ? place : place.replace(/^steps(?:\[\d+\])?\.?/, "");
    const where = [step === undefined ? "" : `step ${step}`, field].filter((part) => part !== "").join(", ");
    return `  ${line === undefined ? file : `${file}:${line}`}: ${where === "" ? "" : `${where}: `}${message}`;
  });
}

/**
 * `--input name=value` as a run's inputs: text where the workflow wants a string, else JSON where it is some. What an
 * input must be, and which there are, the operation says.
 */
export function inputsOf(given: readonly string[], declared: unknown): Record<string, unknown> {
  const inputs: Record<string, unknown> = {};
  for (const one of given) {
    const at = one.indexOf("=");
    if (at <= 0) throw new UsageError(`--input ${one} must have the form name=value.`);
    const name = one.slice(0, at);
    if (Object.hasOwn(inputs, name)) throw new UsageError(`--input ${name} is given twice.`);
    const text = one.slice(at + 1);
    inputs[name] = typeOf(declared, name) === "string" ? text : jsonOrText(text);
  }
  return inputs;
}

function typeOf(declared: unknown, name: string): unknown {
  if (typeof declared !== "object" || declared === null || !Object.hasOwn(declared, name)) return undefined;
  const input: unknown = Reflect.get(declared, name);
  return typeof input === "object" && input !== null && "type" in input ? input.type : undefined;
}
