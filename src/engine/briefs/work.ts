import { callOperation } from "../../base/errors.js";
import { grouped } from "../../base/lists/groups.js";
import type { StoredEvent } from "../../store/events/history.js";
import type { ToldAttempt } from "../../store/tasks/attempts.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection, Quote } from "./fitting.js";
import { lowered, weightIfNeeded, weightOf } from "./weight.js";
import { ago, span } from "./wording.js";

const RANK = { failure: 78, work: 76, change: 72 } as const;

/** Returns who did what, with the result. Decisions of people have a section of their own. */
export function workOf(facts: BriefFacts): BriefSection {
  const tasks = facts.byId;
  const done = facts.attempts
    .filter(({ outcome, task }) => outcome === "succeeded" && tasks.get(task)?.kind !== "human")
    .sort((a, b) => a.endedAt - b.endedAt);
  const alike = [...grouped(done, (attempt) => likenessOf(facts, attempt)).values()].sort(
    (a, b) => newestEnd(a) - newestEnd(b),
  );
  const lines = alike.map((attempts, index): BriefEntry => {
    const task = attempts[0]?.task ?? "";
    const weight = weightOf(tasks.get(task)) + weightIfNeeded(facts.needed, task) + Math.min(6, attempts.length - 1);
    return {
      rank: RANK.work + weight - lowered(alike.length - 1 - index),
      line: (quote) => doneLine(facts, attempts, quote),
    };
  });
  const skipped = [...facts.tasks, ...facts.before].filter(
    ({ status }) => status === "skipped" || status === "cancelled",
  );
  const reasons = skipped.map((task, index): BriefEntry => ({
    rank: RANK.work + weightOf(task) - 4 - lowered(index),
    line: (quote) => {
      const [reason] = task.reasons;
      return `${task.key} was ${task.status}${reason === undefined ? "" : `: ${quote(reason.detail)}`}`;
    },
  }));
  return { title: "Done, by whom", entries: [...lines, ...reasons], more: attemptsCall(facts) };
}

/** Elements of one list that one agent did with one result are told together; any other attempt stands alone. */
function likenessOf({ byId }: BriefFacts, { task: id, number, agent, result }: ToldAttempt): string {
  const list = /^(.+)\[[^[\]]*\]$/.exec(byId.get(id)?.key ?? "")?.[1];
  return JSON.stringify(list === undefined ? [id, number] : [list, agent, result]);
}

function newestEnd(attempts: readonly ToldAttempt[]): number {
  return attempts.at(-1)?.endedAt ?? 0;
}

const ALIKE_SHOWN_MAX = 3;

function doneLine(facts: BriefFacts, attempts: readonly ToldAttempt[], quote: Quote): string {
  const { now, about } = facts;
  const tasks = facts.byId;
  const attempt = attempts.at(-1);
  if (attempt === undefined) return "";
  const { task: id, number, agent, startedAt, endedAt } = attempt;
  const shared = id === about?.task.id ? "" : ofAll(attempts, (one) => titleOf(tasks.get(one.task)));
  const title = shared === "" ? "" : ` ${quote(shared)}`;
  const keys = attempts.map((one) => tasks.get(one.task)?.key ?? one.task);
  const more = keys.length - ALIKE_SHOWN_MAX;
  const names = `${keys.slice(0, ALIKE_SHOWN_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  const files = ofAll(attempts, ({ task }) => (facts.specs.get(task)?.files.write ?? []).map(shownLine).join(", "));
  const wrote = files === "" ? "" : `, in ${files}`;
  const again = number > 1 ? ` (attempt ${number})` : "";
  const when =
    keys.length > 1
      ? `, the last ${ago(now, endedAt)}`
      : ` in ${span(endedAt - startedAt)}, ${ago(now, endedAt)}${again}`;
  return `${names}${title}: done by ${agent}${when}${wrote}${resultText(attempt, quote)}`;
}

/** Returns what is the same of all these attempts, empty where it is not. */
function ofAll(attempts: readonly ToldAttempt[], textOf: (attempt: ToldAttempt) => string): string {
  const texts = new Set(attempts.map(textOf));
  return texts.size === 1 ? ([...texts][0] ?? "") : "";
}

/** The title of a task, empty where it says no more than the key. */
function titleOf(task: Task | undefined): string {
  return task === undefined || task.title === task.key ? "" : task.title;
}

function resultText({ result }: Pick<ToldAttempt, "result">, quote: Quote): string {
  if (result === null) return "";
  try {
    return `: ${quote(JSON.parse(result) as unknown)}`;
  } catch {
    // Only its beginning was read.
    return `: ${quote(result)}`;
  }
}

const FAILED: ReadonlySet<ToldAttempt["outcome"]> = new Set(["failed", "timed_out", "lease_lost", "cancelled"]);

/** Returns what was tried and failed, and why, with what became of it. */
export function failuresOf(facts: BriefFacts): BriefSection {
  const tasks = facts.byId;
  const failed = facts.attempts
    .filter(({ outcome, task }) => FAILED.has(outcome) && tasks.get(task)?.kind !== "human")
    .sort((a, b) => a.endedAt - b.endedAt);
  const newest = new Map(failed.map((attempt) => [attempt.task, attempt]));
  const lines = failed.map((attempt, index): BriefEntry => {
    const task = tasks.get(attempt.task);
    const isTelling = newest.get(attempt.task) === attempt;
    const isOver = task?.status === "succeeded";
    const isTriedAgain = isTelling && task?.status === "running";
    return {
      rank:
        RANK.failure +
        weightOf(task) +
        (isTriedAgain ? 8 : 0) -
        (isTelling ? 0 : 6) -
        (isOver ? 8 : 0) -
        lowered(failed.length - 1 - index),
      line: (quote) => failureLine(facts, attempt, quote),
    };
  });
  const given = facts.attempts.filter(({ outcome, note }) => outcome === "released" && note !== null);
  const released = given.map((attempt, index): BriefEntry => ({
    rank: RANK.failure + weightOf(tasks.get(attempt.task)) - 8 - lowered(given.length - 1 - index),
    line: (quote) => failureLine(facts, attempt, quote),
  }));
  return {
    title: "Tried without success",
    entries: [...lines, ...released, ...deadLetters(facts)],
    more: attemptsCall(facts),
  };
}

function failureLine(facts: BriefFacts, attempt: ToldAttempt, quote: Quote): string {
  const { agent, number, outcome, error, note, result, endedAt } = attempt;
  const key = facts.byId.get(attempt.task)?.key ?? attempt.task;
  const why = error === null ? "" : ` (${error.type}): ${quote(error.message)}`;
  const left = result === null ? "" : `; it left${resultText({ result }, quote)}`;
  const noted = note === null ? "" : `; note ${quote(note)}`;
  return `${key}, attempt ${number} by ${agent}: ${outcome} ${ago(facts.now, endedAt)}${why}${left}${noted}`;
}

function deadLetters(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  return facts.deadLetters.map(({ id, task, status, closedBy, note, error }, index) => ({
    rank: RANK.failure + weightOf(tasks.get(task)) + (status === "pending" ? 6 : -2) - lowered(index),
    line: (quote) => {
      const closed =
        status === "pending" ? "" : ` by ${closedBy ?? "the server"}${note === null ? "" : `: ${quote(note)}`}`;
      return `Dead letter of ${tasks.get(task)?.key ?? task} (${id}, ${error.type}): ${status}${closed}`;
    },
  }));
}

const CHANGES_SHOWN_MAX = 30;

/** Returns what was changed in the plan, and the course of the run. */
export function changesOf(facts: BriefFacts): BriefSection {
  const tasks = facts.byId;
  const lines = facts.events.flatMap((event, index): BriefEntry[] => {
    const line = changeLine(event);
    // A change of the whole run counts as much as one of a task that others wait for.
    const rank = RANK.change + (event.task === null ? 10 : weightOf(tasks.get(event.task))) + index / 1_000;
    return line === undefined ? [] : [{ rank, line: (quote) => `${line(quote)}, ${ago(facts.now, event.at)}` }];
  });
  const children = facts.children.map(({ id, name, status, reason, parentTask }): BriefEntry => ({
    rank: RANK.change + 8,
    line: (quote) =>
      `Child run ${quote(name)} (${id}) of ${facts.byId.get(parentTask ?? "")?.key ?? "an earlier task"}: ${status}${reason === null ? "" : `: ${quote(reason)}`}`,
  }));
  return {
    title: "Changes of the plan",
    entries: [...children, ...lines.slice(-CHANGES_SHOWN_MAX)],
    more: callOperation("list_events", { run: facts.run.id }),
  };
}

function changeLine({ type, agent, data }: StoredEvent): ((quote: Quote) => string) | undefined {
  const by = agent === null ? "" : ` by ${agent}`;
  const { key, reason, added, removed, updated, event, origin, checkpoint, label } = data;
  const labelled = (quote: Quote): string => (typeof label === "string" ? ` ${quote(label)}` : "");
  if (type === "task.cancelled")
    return (quote) => `${String(key)} was cancelled${by}${typeof reason === "string" ? `: ${quote(reason)}` : ""}`;
  if (type === "task.replayed") return () => `${String(key)} was replayed${by}`;
  if (type === "task.superseded") return () => `${String(key)} was superseded by a return to a checkpoint`;
  if (type === "run.modified")
    return (quote) =>
      `The plan was changed${by}: ${Object.entries({ added, removed, updated })
        .filter(([, keys]) => Array.isArray(keys) && keys.length > 0)
        .map(([what, keys]) => `${what} ${quote(keys)}`)
        .join(", ")}`;
  if (type === "run.signalled") return (quote) => `Signal ${quote(event)} was sent${by}`;
  if (type === "run.cancelling")
    return (quote) => `The run was cancelled${by}${typeof reason === "string" ? `: ${quote(reason)}` : ""}`;
  if (type === "run.forked")
    return (quote) => `The run was forked${by} from ${String(origin)} at ${String(checkpoint)}${labelled(quote)}`;
  if (type === "run.resumed_from_checkpoint")
    return (quote) => `The run went back${by} to ${String(checkpoint)}${labelled(quote)}`;
  const plain = PLAIN[type];
  return plain === undefined ? undefined : () => `The run ${plain}${by}`;
}

const PLAIN: Readonly<Record<string, string>> = {
  "run.paused": "was paused",
  "run.resumed": "was resumed",
  "run.stopping": "stopped after a failure",
  "run.compensating": "began to undo its work",
  "run.reopened": "was reopened",
  "run.budget_blocked": "reached its budget",
};

function attemptsCall({ about, run }: BriefFacts) {
  if (about !== undefined)
    return { tool: "get_task", arguments: { task: about.task.id, include: ["attempts", "result"] } };
  return { tool: "list_tasks", arguments: { run: run.id } };
}
