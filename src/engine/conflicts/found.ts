import { hashOfInput } from "../../base/json.js";
import type { ConflictKind } from "../../base/statuses.js";
import type { ConflictParty } from "../../store/conflicts/conflicts.js";
import type { Task } from "../../store/tasks/tasks.js";

/** Conflicts of one detection that are kept. */
export const FOUND_MAX = 200;

/** A conflict as it is found. */
export interface FoundConflict {
  readonly kind: ConflictKind;
  /** Ids and names that make it the same conflict when it is found again. */
  readonly names: readonly string[];
  /** The run that all its tasks are of; null where they are of several, or there are none. */
  readonly run: string | null;
  readonly parties: readonly ConflictParty[];
  readonly detail: string;
}

/** The same for the same conflict of a project: a resource that several projects share is short in each. */
export function identityOf(project: string, { kind, names }: Pick<FoundConflict, "kind" | "names">): string {
  return hashOfInput([project, kind, ...names]);
}

/** A task as a party. */
export function taskParty(
  { id, key, agent }: Pick<Task, "id" | "key" | "agent">,
  more: Omit<ConflictParty, "task" | "key" | "agent">,
): ConflictParty {
  return { ...more, task: id, key, ...(agent !== null && { agent }) };
}

/** The one run of these tasks; null where they are of several. */
export function runOf(tasks: readonly Pick<Task, "run">[]): string | null {
  const runs = new Set(tasks.map(({ run }) => run));
  return runs.size === 1 ? (tasks[0]?.run ?? null) : null;
}
