import { dueConflicts, findConflict } from "../../store/conflicts/conflicts.js";
import { recordConflicts } from "../conflicts/detection.js";
import { type GitQuestions, lookForConflicts } from "../conflicts/git/questions.js";
import { conflictDue } from "../conflicts/timeout.js";
import type { Engine } from "../engine.js";
import type { IsolatedJobs } from "./isolation.js";

/**
 * Looks again at conflicts whose time is over: those that are gone are closed, the others are escalated, or looked at again later. Git is
 * asked about one project: the rest of the tick waits for its answer.
 */
export async function handleDueConflicts(
  engine: Engine,
  jobs: IsolatedJobs,
  git: GitQuestions | undefined,
): Promise<number> {
  const looked = new Set<string>();
  const find = (limit: number) => engine.read((ctx) => dueConflicts(ctx.now, limit));
  const handle = async (id: string): Promise<number> => {
    const conflict = await engine.read(() => findConflict(id));
    if (conflict && (conflict.status === "open" || conflict.status === "escalated") && !looked.has(conflict.project)) {
      // The next tick looks at the next project.
      if (looked.size > 0) return 0;
      looked.add(conflict.project);
      const detection = await lookForConflicts(engine, { project: conflict.project }, git);
      if (detection) await engine.transact((ctx) => recordConflicts(ctx, detection));
    }
    return engine.transact((ctx) => conflictDue(ctx, id));
  };
  return (await jobs.eachDue("conflict", { find }, handle)).sum;
}
