import { grouped } from "../../base/lists/groups.js";
import { type PastUsage, pastUsage } from "../../store/usage/history.js";
import { stepKey } from "../steps/task-type.js";
import type { Tx } from "../../store/tx.js";

/** A task that has ended, with the use of models that was reported of it. */
export interface PastWork {
  readonly role: string | null;
  readonly type: string;
  /** The model of the dearest report, or of the one with the most tokens. */
  readonly model: string | null;
  readonly usages: readonly PastUsage[];
  /** 1 where it succeeded at once, less with each failed attempt and each revision, 0 where it did not succeed. */
  readonly quality: number;
}

/** Records read: among the newest of all, and of each role. */
const BOUNDS = { all: 3_000, perRole: 1_000 };
const ROLES_MAX = 20;

/** Returns the newest ended tasks of all projects, and more of the roles. */
export function* pastWork(roles: readonly string[]): Tx<PastWork[]> {
  const records = yield* pastUsage([...new Set(roles)].slice(0, ROLES_MAX), BOUNDS);
  return [...grouped(records, ({ task }) => task).values()].flatMap((usages) => {
    const [first] = usages;
    if (first === undefined) return [];
    const main = usages.reduce((most, one) => (weightOf(one) > weightOf(most) ? one : most), first);
    return [{ role: first.role, type: stepKey(first.key), model: main.model, usages, quality: qualityOf(first) }];
  });
}

function qualityOf({ status, failures, revisions }: PastUsage): number {
  return status === "succeeded" ? 1 / (1 + failures + revisions) : 0;
}

function weightOf({ cost, inputTokens, outputTokens }: PastUsage): number {
  return cost + (inputTokens + outputTokens) / 1_000_000;
}

/** The model that most of the tasks were done with; null where none is named. */
export function mostUsed(works: readonly PastWork[]): string | null {
  const counts = new Map<string, number>();
  for (const { model } of works) if (model !== null) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts].toSorted(([a, many], [b, others]) => others - many || (a < b ? -1 : 1))[0]?.[0] ?? null;
}
