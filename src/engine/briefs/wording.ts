import type { Task } from "../../store/tasks/tasks.js";
import type { BriefFacts } from "./facts.js";

/** How long ago an instant was, in one unit. */
export function ago(now: number, at: number): string {
  return `${span(now - at)} ago`;
}

export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** The state of a task with who holds it, and since when. */
export function stateOf(task: Task, now: number): string {
  const { status, agent, startedAt, endedAt, percent } = task;
  if (status === "running" && agent !== null) {
    const since = startedAt === null ? "" : ` for ${span(now - startedAt)}`;
    const done = percent === null ? "" : `, ${percent} %`;
    const asked = task.orders === null ? "" : `, ${task.orders}`;
    return `running, held by ${agent}${since} (attempt ${task.attempt}${done}${asked})`;
  }
  const again = status === "pending" && task.availableAt !== null && task.attempt > 0;
  const reserved = task.reservedFor === null ? "" : `, reserved for ${task.reservedFor}`;
  const ended = endedAt === null ? "" : ` ${ago(now, endedAt)}`;
  return `${status}${again ? `, tried again in ${span((task.availableAt ?? now) - now)}` : ""}${ended}${reserved}`;
}

type Subject = Pick<BriefFacts, "about" | "byId">;

/** Whether something concerns another task than the one that a brief is about. */
export function isElsewhere({ about }: Subject, task: string | null): boolean {
  return about !== undefined && task !== about.task.id;
}

/** Names the other task that something concerns. */
export function concerning(facts: Subject, task: string | null): string {
  if (task === null || !isElsewhere(facts, task)) return "";
  return ` about ${facts.byId.get(task)?.key ?? task}`;
}
