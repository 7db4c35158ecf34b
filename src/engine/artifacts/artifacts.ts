import { BatonError } from "../../base/errors.js";
import { hint, isName, NAME_RULE } from "../../base/names.js";
import { flawOfText } from "../../base/texts/stored-values.js";
import { shownLine } from "../../base/texts/shown-text.js";
import { iso } from "../../base/time.js";
import * as store from "../../store/artifacts/artifacts.js";
import type { Artifact } from "../../store/artifacts/artifacts.js";
import { appendEvents } from "../../store/events/events.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { type Content, saveContent } from "./content.js";
import { typeOf } from "./types.js";

export type { Artifact };
export type ValidationOutcome = store.ValidationOutcome;

/** Artifacts of a run, or of a project outside its runs, in all versions. */
const IN_SCOPE_MAX = 10_000;
const NAME_CHARS_MAX = 200;
const HINTS_FROM = 200;

/** Where an artifact belongs: its rows are locked. */
export interface ArtifactPlace {
  readonly project: string;
  readonly run: string | null;
  readonly task: Pick<Task, "id" | "attempt" | "status" | "agent"> | null;
}

export interface NewArtifact {
  readonly name: string;
  readonly type?: string | undefined;
  readonly content: Content;
  /** The path it was read from, relative to the project's root. */
  readonly path?: string | undefined;
  readonly agent: string;
}

export interface PutArtifact {
  readonly artifact: Artifact;
  /** False where the newest version of the name has this content already. */
  readonly created: boolean;
}

/**
 * Stores the next version of a name in its run or project; the same content again is the same version. The caller has locked the run
 * or the project. Errors: `invalid_input`, `limit_exceeded`.
 */
export function* storeArtifact(ctx: EngineContext, place: ArtifactPlace, draft: NewArtifact): Tx<PutArtifact> {
  const { name, content, agent } = draft;
  requireNames(draft);
  requireSize(ctx, draft);
  const scope = place.run ?? place.project;
  const type = draft.type ?? typeOf(name, content.isText);
  const task = place.task?.id ?? null;
  const last = yield* store.lastVersion(scope, name);
  const isSame = last?.hash === content.hash && last.type === type && last.task === task && !last.superseded;
  if (isSame) return { artifact: last, created: false };
  const id = ctx.newId("artifact");
  if ((yield* store.countArtifacts(scope)) >= IN_SCOPE_MAX) throw tooMany(place);
  yield* saveContent(content, id);
  const artifact: Artifact = {
    id,
    project: place.project,
    run: place.run,
    task,
    scope,
    name,
    version: (last?.version ?? 0) + 1,
    type,
    isText: content.isText,
    hash: content.hash,
    bytes: content.data.length,
    path: draft.path ?? null,
    attempt: place.task?.status === "running" && place.task.agent === agent ? place.task.attempt : null,
    createdBy: agent,
    createdAt: ctx.now,
    superseded: false,
    verdict: null,
    figures: null,
  };
  yield* store.insertArtifacts([artifact]);
  const { project, run, version, hash, bytes } = artifact;
  const data = { artifact: id, name, version, type, hash, bytes };
  yield* appendEvents(ctx, [{ type: "artifact.created", project, run, task, agent, data }]);
  return { artifact, created: true };
}

function requireNames({ name, type }: NewArtifact): void {
  const flaw =
    flawOfText(name) ?? (shownLine(name) === name ? undefined : "has blanks or characters that are not shown");
  if (flaw !== undefined || name === "" || name.length > NAME_CHARS_MAX) {
    const message = `The artifact's name ${flaw ?? "has the wrong length"}: give 1 to ${NAME_CHARS_MAX} characters, such as design.md. Nothing was stored.`;
    throw new BatonError("invalid_input", message, { details: { path: "name" } });
  }
  if (type === undefined || isName(type)) return;
  throw new BatonError("invalid_input", `The artifact's type must be ${NAME_RULE}, such as code. Nothing was stored.`, {
    details: { path: "type", given: type },
  });
}

function requireSize({ settings }: EngineContext, { name, content }: NewArtifact): void {
  const [bytes, max] = [content.data.length, settings.artifact_bytes_max];
  if (bytes <= max) return;
  const message = `The artifact "${name}" has ${bytes} bytes; at most ${max} fit (artifact_bytes_max). Nothing was stored. Keep it as a file of the project, and put a summary with its path.`;
  throw new BatonError("limit_exceeded", message, { details: { name, bytes, max } });
}

function tooMany({ run, project }: ArtifactPlace): BatonError {
  const where = run === null ? `project ${project}` : `run ${run}`;
  const message = `There are ${IN_SCOPE_MAX} artifacts in ${where}, which is the limit. Nothing was stored. Put fewer, larger ones, or start another run.`;
  return new BatonError("limit_exceeded", message, { details: { run, project, max: IN_SCOPE_MAX } });
}

/** A reference to an artifact: its id, or its name within a scope. */
export interface ArtifactReference {
  readonly artifact: string;
  readonly version?: number | undefined;
  /** A run or a project. */
  readonly scope?: string | undefined;
}

/** Finds an artifact by its id, or the newest version of a name. Errors: `not_found`, with the nearest name. */
export function* requireArtifact({ artifact: reference, version, scope }: ArtifactReference): Tx<Artifact> {
  const byId = yield* store.findArtifact(reference);
  if (byId) return byId;
  const byName = scope === undefined ? undefined : yield* store.findVersion(scope, reference, version);
  if (byName) return byName;
  const known = scope === undefined ? [] : yield* listedIn(scope);
  const others = new Set(known.map(({ name }) => name).filter((name) => name !== reference));
  const run = version === undefined ? known.find(({ name }) => name === reference)?.run : undefined;
  const elsewhere = run ? `: it is in run ${run}, which the call has to name as run` : "";
  const where = scope === undefined ? "" : ` in ${scope}`;
  const which = version === undefined ? "" : ` version ${version}`;
  const message = `There is no artifact "${reference}"${which}${where}${hint(reference, others)}${elsewhere}. It is named by its id, or by its name with run or project.`;
  throw new BatonError("not_found", message, {
    details: { artifact: reference },
    next: [{ tool: "query_operation", arguments: { name: "list_artifacts", arguments: {} } }],
  });
}

function* listedIn(scope: string): Tx<readonly Artifact[]> {
  const isRun = scope.startsWith("run_");
  return yield* store.listArtifacts({ ...(isRun ? { run: scope } : { project: scope }), limit: HINTS_FROM });
}

/** Records what a validation of an artifact found: gates and reviewers read it. */
export function* recordValidation(
  ctx: EngineContext,
  { id, project, run, task, name, version }: Artifact,
  { agent, ...outcome }: store.ValidationOutcome & { readonly agent: string },
): Tx<void> {
  yield* store.saveValidation(id, outcome);
  const data = { artifact: id, name, version, verdict: outcome.verdict };
  yield* appendEvents(ctx, [{ type: "artifact.validated", project, run, task, agent, data }]);
}

export function artifactView(artifact: Artifact) {
  const { id, name, version, type, hash, bytes, project, run, task, path, attempt } = artifact;
  return {
    id,
    name,
    version,
    type,
    hash,
    bytes,
    text: artifact.isText,
    project,
    ...(run === null ? {} : { run }),
    ...(task === null ? {} : { task }),
    ...(path === null ? {} : { path }),
    ...(attempt === null ? {} : { attempt }),
    from: artifact.createdBy,
    created_at: iso(artifact.createdAt),
    ...(artifact.verdict === null ? {} : { verdict: artifact.verdict }),
    ...(artifact.superseded ? { superseded: true } : {}),
  };
}
