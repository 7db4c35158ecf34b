import { ARTIFACT_VERDICTS } from "../../base/statuses.js";
import {
  conditionsOf,
  eachIn,
  flag,
  int,
  intOrNull,
  jsonOrNull,
  many,
  manyIn,
  one,
  oneOfOrNull,
  only,
  placeholders,
  sole,
  text,
  textOrNull,
} from "../rows.js";
import { insertInto, insertRows, type RowOf, table } from "../tables.js";
import type { Tx } from "../tx.js";

export const ARTIFACTS = table("artifacts", {
  id: text,
  project: text,
  run: textOrNull,
  task: textOrNull,
  /** The run, else the project: names and versions are counted within it. */
  scope: text,
  name: text,
  version: int,
  type: text,
  isText: flag,
  hash: text,
  bytes: int,
  /** Where it was read from, relative to the project's root. */
  path: textOrNull,
  /** The attempt at its task during which it was put. */
  attempt: intOrNull,
  createdBy: text,
  createdAt: int,
  /** Its run was taken back to a checkpoint that does not have it. */
  superseded: flag,
  /** Of its last validation; null where there was none. */
  verdict: oneOfOrNull(ARTIFACT_VERDICTS),
  /** Figures that it found, such as line_coverage. */
  figures: jsonOrNull<Readonly<Record<string, number>>>,
});
/** A named output of a task, a run or a project. It never changes: another content is another version. */
export interface Artifact extends RowOf<typeof ARTIFACTS> {}

const INSERT = insertInto(ARTIFACTS);

export function* insertArtifacts(artifacts: readonly Artifact[]): Tx<void> {
  yield* insertRows(INSERT, artifacts);
}

export function* findArtifact(id: string): Tx<Artifact | undefined> {
  return yield* one(ARTIFACTS.read, [`SELECT ${ARTIFACTS.columns} FROM artifacts WHERE id = $1`, [id]]);
}

/** Returns the newest version of a name, superseded ones too. */
export function* lastVersion(scope: string, name: string): Tx<Artifact | undefined> {
  return yield* one(ARTIFACTS.read, [
    `SELECT ${ARTIFACTS.columns} FROM artifacts WHERE scope = $1 AND name = $2 ORDER BY version DESC LIMIT 1`,
    [scope, name],
  ]);
}

/** Returns a version of a name, or the newest that counts. */
export function* findVersion(scope: string, name: string, version?: number): Tx<Artifact | undefined> {
  return yield* one(ARTIFACTS.read, [
    // sql: one of two conditions.
    `SELECT ${ARTIFACTS.columns} FROM artifacts WHERE scope = $1 AND name = $2
       AND ${version === undefined ? "superseded = 0 AND version >= $3" : "version = $3"} ORDER BY version DESC LIMIT 1`,
    [scope, name, version ?? 0],
  ]);
}

export function* countArtifacts(scope: string): Tx<number> {
  return yield* sole(only("artifacts", int), ["SELECT count(*) AS artifacts FROM artifacts WHERE scope = $1", [scope]]);
}

export interface ArtifactFilter {
  readonly project?: string | undefined;
  readonly run?: string | undefined;
  readonly task?: string | undefined;
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Lists artifacts that count, newest first. */
export function* listArtifacts({ before, limit, ...filter }: ArtifactFilter): Tx<Artifact[]> {
  const { where, params } = conditionsOf([
    ["superseded =", 0],
    ["project =", filter.project],
    ["run =", filter.run],
    ["task =", filter.task],
    ["name =", filter.name],
    ["type =", filter.type],
    ["id <", before],
  ]);
  return yield* many(ARTIFACTS.read, [
    // sql: the comparisons are those above.
    `SELECT ${ARTIFACTS.columns} FROM artifacts ${where} ORDER BY id DESC LIMIT $${params.length + 1}`,
    [...params, limit],
  ]);
}

/** Returns the ids of the artifacts of a run that count. */
export function* artifactsOfRun(run: string): Tx<string[]> {
  return yield* many(only("id", text), [
    "SELECT id FROM artifacts WHERE run = $1 AND superseded = 0 ORDER BY id",
    [run],
  ]);
}

/** Lets those of a run's artifacts count that are named, and no others. */
export function* supersedeOthers(run: string, counting: readonly string[]): Tx<void> {
  yield ["UPDATE artifacts SET superseded = 1 WHERE run = $1 AND superseded = 0", [run]];
  yield* eachIn(counting, (ids) => [
    `UPDATE artifacts SET superseded = 0 WHERE id IN (${placeholders(ids.length)})`,
    ids,
  ]);
}

/** Lists the newest versions, by name, of what these tasks have put, newest first; not those of which another task has a newer version. */
export function* newestOfTasks(tasks: readonly string[], limit: number): Tx<Artifact[]> {
  return yield* manyIn(ARTIFACTS.read, tasks, (chunk) => [
    `SELECT ${ARTIFACTS.columns} FROM artifacts a WHERE a.task IN (${placeholders(chunk.length, 2)}) AND a.superseded = 0
       AND NOT EXISTS (SELECT 1 FROM artifacts n WHERE n.scope = a.scope AND n.name = a.name AND n.superseded = 0 AND n.version > a.version)
     ORDER BY a.id DESC LIMIT $1`,
    [limit, ...chunk],
  ]);
}

export interface ArtifactRetention {
  readonly now: number;
  /** Retention of a project without its own. */
  readonly defaultMs: number;
  readonly limit: number;
}

/** Lists artifacts of projects, outside their runs, that a newer version has replaced and that are older than their project keeps what has ended. */
export function* replacedArtifacts({ now, defaultMs, limit }: ArtifactRetention): Tx<string[]> {
  return yield* many(only("id", text), [
    `SELECT a.id FROM projects p JOIN artifacts a ON a.project = p.id WHERE a.run IS NULL AND a.created_at < $1 - COALESCE(p.retention_ms, $2)
       AND EXISTS (SELECT 1 FROM artifacts n WHERE n.scope = a.scope AND n.name = a.name AND n.version > a.version) ORDER BY a.id LIMIT $3`,
    [now, defaultMs, limit],
  ]);
}

/** Removes artifacts; their contents are swept once no other has them. */
export function* deleteArtifacts(ids: readonly string[]): Tx<void> {
  yield* eachIn(ids, (chunk) => [
    `UPDATE artifact_contents SET unused = 1 WHERE hash IN (SELECT hash FROM artifacts WHERE id IN (${placeholders(chunk.length)}))`,
    chunk,
  ]);
  yield* eachIn(ids, (chunk) => [`DELETE FROM artifacts WHERE id IN (${placeholders(chunk.length)})`, chunk]);
}

export type ValidationOutcome = Pick<Artifact, "verdict" | "figures">;

export function* saveValidation(artifact: string, { verdict, figures }: ValidationOutcome): Tx<void> {
  yield ["UPDATE artifacts SET verdict = $1, figures = $2 WHERE id = $3", [verdict, JSON.stringify(figures), artifact]];
}

/** Returns artifacts by their ids. */
export function* findArtifacts(ids: readonly string[]): Tx<Artifact[]> {
  return yield* manyIn(ARTIFACTS.read, ids, (chunk) => [
    `SELECT ${ARTIFACTS.columns} FROM artifacts WHERE id IN (${placeholders(chunk.length)})`,
    chunk,
  ]);
}
