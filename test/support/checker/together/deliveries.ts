import type { Finding } from "../checker.js";
import type { Snapshot } from "../snapshot.js";

/** A target that random histories tell of events, whatever its kind is. */
export const TARGET = { id: "ops:1", name: "ops", events: ["questions", "task.succeeded", "run.finished"] } as const;
const TYPES: readonly string[] = ["task.succeeded", "run.finished"];

/** Events for the target that were told twice or, where all was collected, not at all, and questions that were told twice. */
export function deliveryFindings({ together, events }: Snapshot, isCollected: boolean): Finding[] {
  const finding = (subject: string, detail: string): Finding => ({ invariant: "deliveries", subject, detail });
  const findings: Finding[] = [];
  const counts = new Map<string, number>();
  const count = (key: string, by: number): void => void counts.set(key, (counts.get(key) ?? 0) + by);
  for (const { type, at, run, task } of events) if (TYPES.includes(type)) count(`${type} ${at} ${run} ${task}`, 1);
  const questions = new Set<string>();
  for (const { id, question, type, at, run, task } of together.deliveries) {
    if (TYPES.includes(type)) count(`${type} ${at} ${run} ${task}`, -1);
    if (question === null) continue;
    if (questions.has(question)) findings.push(finding(id, `tells of ${question} again`));
    questions.add(question);
  }
  for (const [key, missing] of counts) {
    if (missing < 0) findings.push(finding(key, `was told ${-missing} times too often`));
    if (missing > 0 && isCollected) findings.push(finding(key, "was not told"));
  }
  return findings;
}
