import { useMemo } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";

export type Question = ResultOf<"list_escalations">["escalations"][number];
export type DeadLetter = ResultOf<"list_dead_letters">["dead_letters"][number];
type Agent = ResultOf<"list_agents">["agents"][number];

/** Something that waits for a person. */
export type Item = {
  readonly id: string;
  /** Its kind in a word or two. */
  readonly kind: string;
  readonly title: string;
  readonly urgency: number;
  readonly since: string;
  readonly due?: string | undefined;
} & ({ readonly question: Question } | { readonly deadLetter: DeadLetter } | { readonly silent: Agent });

const LIST_MAX = 200;
const URGENCIES = { critical: 0, high: 1, normal: 2, low: 3 } as const;
/** Silence ends by itself: the server takes the work back. */
const SILENT_URGENCY = URGENCIES.low;

/** All that waits for a person, the most urgent first; `undefined` while none of it is known. */
export function useItems(): readonly Item[] | undefined {
  const project = useProject();
  const questions = useOperation("list_escalations", { ...project, tier: "human", limit: LIST_MAX }).data;
  const deadLetters = useOperation("list_dead_letters", { ...project, status: "pending", limit: LIST_MAX }).data;
  const agents = useOperation("list_agents", { limit: LIST_MAX }).data;
  return useMemo(() => {
    if (!questions && !deadLetters && !agents) return undefined;
    return [
      ...(questions?.escalations ?? []).map(questionItem),
      ...(deadLetters?.dead_letters ?? []).map(deadLetterItem),
      ...(agents?.agents ?? [])
        .filter(({ silent_since, running }) => silent_since !== undefined && running > 0)
        .map(silentItem),
    ].sort(byUrgency);
  }, [questions, deadLetters, agents]);
}

function byUrgency(a: Item, b: Item): number {
  return a.urgency - b.urgency || (a.due ?? a.since).localeCompare(b.due ?? b.since);
}

/** Whether the question is about the work of a task, and so shown with its diff. Keys of steps have no brackets. */
export function isReview({ type, task }: Question): boolean {
  return type === "gate_approval" && task?.key.startsWith("review(") === true;
}

const WORDS: Readonly<Record<string, string>> = { gate_approval: "decision", no_taker: "no one may take it" };

function questionItem(question: Question): Item {
  const { id, type, ask, asked_at: since, task } = question;
  const priority = question.priority ?? task?.priority ?? "normal";
  const kind = isReview(question) ? "review" : (WORDS[type] ?? type.replaceAll("_", " "));
  return {
    id,
    kind,
    title: isReview(question) ? (task?.title ?? ask) : ask,
    urgency: URGENCIES[priority],
    since,
    due: question.until ?? question.due_at,
    question,
  };
}

function deadLetterItem(deadLetter: DeadLetter): Item {
  const { id, task, created_at: since } = deadLetter;
  return { id, kind: "dead letter", title: task.title, urgency: URGENCIES[task.priority], since, deadLetter };
}

function silentItem(silent: Agent): Item {
  const { id, name, silent_since: since = "" } = silent;
  return {
    id,
    kind: "silent",
    title: `${name} has gone silent with work in hand`,
    urgency: SILENT_URGENCY,
    since,
    silent,
  };
}
