import { startOf } from "../../base/texts/stored-values.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { type Artifact, type NewArtifact, requireArtifact, storeArtifact } from "../artifacts/artifacts.js";
import { type Content, contentOf } from "../artifacts/content.js";
import type { EngineContext } from "../context.js";
import type { HeldTask } from "../lifecycle/locked-task.js";
import { resultBytes } from "../steps/output.js";

/** Characters of a large result that stand in its place. */
const PREVIEW_CHARS = 1_000;

/** Artifacts that a completion brings: new ones, or ids of those that were put before. */
export interface GivenOutputs {
  readonly artifacts?: readonly (string | Omit<NewArtifact, "agent">)[] | undefined;
  /** Hashes of contents that were saved beside the database before the transaction. */
  readonly saved?: ReadonlySet<string> | undefined;
}

/** In place of a result over the inline bound, which is an artifact then. */
interface ResultStub {
  readonly artifact: string;
  readonly bytes: number;
  readonly hash: string;
  readonly preview: string;
  readonly whole: string;
}

/** Whether a result becomes an artifact. A plan is read by the server, and stays inline. */
export function isLarge({ settings }: EngineContext, { kind }: Pick<Task, "kind">, result: unknown): boolean {
  return kind !== "plan" && resultBytes(result) > settings.payload_bytes_max;
}

/** A large result as an artifact has it: a text as it is, any other value as its JSON. */
export function largeContent(result: unknown): Content {
  return contentOf(Buffer.from(typeof result === "string" ? result : JSON.stringify(result)));
}

/** Whether a result that is given again is that of which a stub was kept. */
export function isStubOf(kept: unknown, result: unknown): boolean {
  return typeof kept === "object" && kept !== null && "hash" in kept && kept.hash === largeContent(result).hash;
}

/** Stores the artifacts of a completion under the run's lock. Errors: `not_found`, `invalid_input`, `limit_exceeded`. */
export function* storeOutputs(ctx: EngineContext, held: HeldTask, { artifacts = [] }: GivenOutputs): Tx<Artifact[]> {
  const stored: Artifact[] = [];
  for (const given of artifacts) {
    if (typeof given === "string") stored.push(yield* requireArtifact({ artifact: given }));
    else stored.push((yield* storeOwn(ctx, held, given)).artifact);
  }
  return stored;
}

/** Stores a large result and returns what stands in its place. */
export function* stubOf(
  ctx: EngineContext,
  held: HeldTask,
  { result, saved }: GivenOutputs & { readonly result: unknown },
): Tx<ResultStub> {
  const content = largeContent(result);
  const isText = typeof result === "string";
  const { artifact } = yield* storeOwn(ctx, held, {
    name: `${startOf(held.task.key, 150)}/result.${isText ? "txt" : "json"}`,
    type: "result",
    content: { ...content, inFile: saved?.has(content.hash) === true },
  });
  return {
    artifact: artifact.id,
    bytes: artifact.bytes,
    hash: artifact.hash,
    preview: startOf(Buffer.from(content.data).toString("utf8", 0, 4 * PREVIEW_CHARS), PREVIEW_CHARS),
    whole: `get_artifact ${artifact.id}`,
  };
}

function storeOwn(ctx: EngineContext, { task }: HeldTask, draft: Omit<NewArtifact, "agent">) {
  const place = { project: task.project, run: task.run, task };
  return storeArtifact(ctx, place, { ...draft, agent: task.agent ?? ctx.caller.agent });
}
