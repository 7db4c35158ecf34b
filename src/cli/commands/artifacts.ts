import fs from "node:fs";
import path from "node:path";
import { codeOf } from "../../base/errors.js";
import { defined } from "../../base/json.js";
import type { InputOf, ResultOf } from "../../tools/registry.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { UsageError } from "../failure.js";
import { ago, bytes } from "../terminal/durations.js";
import { table } from "../terminal/table.js";

const SHOWN_MAX = 200;

export interface PlaceOptions extends Shared {
  readonly task?: string;
  readonly run?: string;
  readonly project?: string;
}

/** `baton artifacts` */
export async function listArtifacts(
  { call, stdout, host }: CommandContext,
  { task, run, project, name, type }: PlaceOptions & { name?: string; type?: string },
): Promise<CommandAnswer> {
  const found = await call("list_artifacts", { task, run, project, name, type, limit: SHOWN_MAX });
  const rows = found.artifacts.map((one) => [
    one.id,
    one.name,
    String(one.version),
    one.type,
    bytes(one.bytes),
    one.from,
    ago(host.now() - Date.parse(one.created_at)),
  ]);
  const more = found.next_cursor === undefined ? "" : `\nOnly the first ${rows.length} are shown.`;
  const headings = ["id", "name", "version", "type", "size", "from", "since"];
  const text = rows.length === 0 ? "There are no artifacts here." : `${table(headings, rows, stdout)}${more}`;
  return { data: found, text };
}

/** `baton artifacts put NAME FILE` */
export async function putArtifact(
  { call, cwd, stdin }: CommandContext,
  ...[name, file, { task, run, project, type }]: [string, string, PlaceOptions & { type?: string }]
): Promise<CommandAnswer> {
  // A person reads their own file; the confinement of paths is for agents.
  const given =
    file === "-" ? { content: stdin() } : { content: readFile(path.resolve(cwd, file)), encoding: "base64" as const };
  const put = await call("put_artifact", { name, type, ...given, task, run, project });
  const { artifact, created } = put;
  const done = created ? "stored" : "is there already";
  return {
    data: put,
    text: `${artifact.name} version ${artifact.version} ${done}: ${artifact.id}, ${bytes(artifact.bytes)}`,
  };
}

function readFile(file: string): string {
  try {
    return fs.readFileSync(file, "base64");
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${codeOf(error) ?? "unknown"}): name a file.`);
  }
}

/** `baton artifacts get ID`: its content, to stdout or into a new file. */
export async function getArtifact(
  context: CommandContext,
  artifact: string,
  { run, project, version, out }: PlaceOptions & { version?: number; out?: string },
): Promise<CommandAnswer> {
  const first = await readPart(context, defined({ artifact, version, run, project }));
  const { id, name, text: isText } = first.artifact;
  const parts = [first.content?.text ?? ""];
  for (let next = first.content?.next_offset; next !== undefined;) {
    const { content } = await readPart(context, { artifact: id, offset: next });
    parts.push(content?.text ?? "");
    next = content?.next_offset;
  }
  const whole = parts.join("");
  if (out !== undefined) {
    const file = path.resolve(context.cwd, out);
    writeNewFile(file, Buffer.from(whole, isText ? "utf8" : "base64"));
    return { data: { artifact: first.artifact, file }, text: `${name} was written to ${file}` };
  }
  const data = { ...first, content: { encoding: first.content?.encoding, text: whole } };
  // A pipe gets the text as it is; on a terminal it passes the door of what is shown.
  if (isText) return { data, text: whole, ...(context.stdout.live ? {} : { document: whole }) };
  throw new UsageError(`${name} is not a text: write it into a file with --out FILE.`);
}

/** Not by `call`, which gives texts as they are shown. */
async function readPart({ asPerson }: CommandContext, input: InputOf<"get_artifact">) {
  return asPerson(async (opened) => {
    const { result } = await (await opened.dispatch()).call("get_artifact", input);
    return result as ResultOf<"get_artifact">;
  });
}

function writeNewFile(file: string, data: Buffer): void {
  try {
    fs.writeFileSync(file, data, { flag: "wx" });
  } catch (error) {
    if (codeOf(error) === "EEXIST")
      throw new UsageError(`${file} exists already and is left as it is: name a new file.`);
    throw new UsageError(`${file} cannot be written (${codeOf(error) ?? "unknown"}).`);
  }
}
