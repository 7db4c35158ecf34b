import { z } from "zod";
import { BatonError } from "../base/errors.js";
import type { Artifact } from "../engine/artifacts/artifacts.js";
import { type Content, IN_ROWS_MAX } from "../engine/artifacts/content.js";
import { resultBytes } from "../engine/steps/output.js";
import { isLarge, type GivenOutputs, largeContent } from "../engine/tasks/outputs.js";
import type { HostWith } from "../dispatch/operation.js";
import { contentInput, readGiven, savedBeside } from "./artifact-contents.js";

/** Artifacts of one completion. */
export const OUTPUTS_MAX = 20;

export const outputLine = z.object({ id: z.string(), name: z.string(), version: z.int() });

const given = z.strictObject({ name: z.string(), type: z.string().optional(), ...contentInput });
const known = z.strictObject({ id: z.string() });

export function outputLines(artifacts: readonly Artifact[]) {
  if (artifacts.length === 0) return {};
  return { artifacts: artifacts.map(({ id, name, version }) => ({ id, name, version })) };
}

interface Completing {
  readonly task: string;
  readonly result?: unknown;
  readonly artifacts?: readonly Record<string, unknown>[] | undefined;
}

interface Outputs {
  readonly given: GivenOutputs;
  readonly contents: readonly Content[];
}

const NONE: Outputs = { given: {}, contents: [] };

/** Reads what a completion brings beside its result, and saves what is large before the transaction. Errors: `invalid_input`. */
export async function readOutputs(host: HostWith<"contents">, input: Completing): Promise<Outputs> {
  const large = await savedResult(host, input);
  if (input.artifacts === undefined && large === undefined) return NONE;
  const contents: Content[] = large === undefined ? [] : [large];
  // A call that is made again is given its first answer, also where a file has changed or is gone meanwhile.
  const isAgain = (await host.earlier("run")) !== undefined;
  const artifacts = [];
  for (const [at, one] of (isAgain ? [] : (input.artifacts ?? [])).entries()) {
    const existing = known.safeParse(one);
    if (existing.success) {
      artifacts.push(existing.data.id);
      continue;
    }
    const { name, type, ...source } = parsed(one, at);
    const read = await readGiven(host, source, { task: input.task });
    const content = await savedBeside(host.contents, read.content);
    contents.push(content);
    artifacts.push({ name, type, content, path: read.path });
  }
  const saved = new Set(contents.filter(({ inFile }) => inFile).map(({ hash }) => hash));
  return { given: { artifacts, saved }, contents };
}

function parsed(one: Record<string, unknown>, at: number): z.output<typeof given> {
  const found = given.safeParse(one);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const where = ["artifacts", at, ...(issue?.path ?? [])].join(".");
  const message = `Invalid input for complete_task; nothing was done: ${where}: ${issue?.message ?? "invalid"}. An artifact is {name, path} or {name, content}, with type and encoding if needed, or {id} of one that was put before.`;
  throw new BatonError("invalid_input", message, { details: { path: where } });
}

/** A result that will not stay inline is saved first, where the database keeps large contents in files. */
async function savedResult(host: HostWith<"contents">, { result }: Completing): Promise<Content | undefined> {
  if (resultBytes(result) <= IN_ROWS_MAX) return undefined;
  // oxlint-disable-next-line require-yield -- the settings in force are all that is asked for
  const large = await host.read(function* (ctx) {
    return isLarge(ctx, { kind: "agent" }, result);
  });
  return large ? savedBeside(host.contents, largeContent(result)) : undefined;
}
