import type { EventAnswer, TaskAnswer } from "../typed-calls.js";
import { shownLine } from "../../base/texts/shown-text.js";
import { iso } from "../../base/time.js";
import { duration, percent as percentText } from "../terminal/durations.js";
import { signOf } from "../terminal/task-marks.js";
import type { Style } from "../terminal/terminal.js";

type Data = Readonly<Record<string, unknown>>;

/** Words for what an event did to a task, and the mark of the state the task then has. */
interface Wording {
  readonly status: TaskAnswer["status"];
  words(event: EventAnswer, lastedMs: number | undefined): string;
}

// oxfmt-ignore
const TASK_EVENTS: Readonly<Record<string, Wording>> = {
  "task.ready": { status: "ready", words: () => "ready" },
  "task.created": { status: "pending", words: () => "added" },
  "task.claimed": { status: "running", words: ({ agent, data }) => `started by ${agent ?? "?"}${attemptOf(data)}` },
  "task.waiting": { status: "waiting", words: ({ data, task }) => `waits ${awaited(data, task)}` },
  "task.awaits_decision": { status: "waiting", words: ({ data }) => `waits for the decision of ${textOf(data["escalation"])}` },
  "task.asked": { status: "waiting", words: ({ data }) => `asks the person at ${textOf(data["client"])}` },
  "task.deferred": { status: "waiting", words: ({ agent }) => `put off by ${agent ?? "?"}` },
  "task.progress": { status: "running", words: ({ data }) => progressOf(data) },
  "task.succeeded": { status: "succeeded", words: (_, ms) => `succeeded${after(ms)}` },
  "task.retry": { status: "pending", words: ({ data }, ms) => `failed${after(ms)}, will be retried: ${errorOf(data)}` },
  "task.dead_letter": { status: "dead_letter", words: ({ data }, ms) => `failed${after(ms)}: ${errorOf(data)}` },
  "task.released": { status: "ready", words: ({ agent }) => `given back by ${agent ?? "?"}` },
  "task.lease_lost": { status: "ready", words: ({ agent, data }) => lossOf(agent ?? "its holder", data) },
  "agent.silent": { status: "running", words: ({ agent, data }) => `${agent ?? "its holder"} is silent since ${textOf(data["since"])}` },
  "task.fenced_off": { status: "ready", words: ({ agent }) => `taken back from ${agent ?? "its holder"}` },
  "task.cancel_requested": { status: "running", words: () => "asked to stop" },
  "task.preempt_requested": { status: "running", words: () => "asked to give way" },
  "task.preempt_lifted": { status: "running", words: () => "goes on: it need not give way" },
  "task.cancelled": { status: "cancelled", words: () => "cancelled" },
  "task.blocked": { status: "blocked", words: ({ data }) => `blocked${reasonOf(data)}` },
  "task.skipped": { status: "skipped", words: ({ data }) => `skipped${reasonOf(data)}` },
};

// oxfmt-ignore
const RUN_EVENTS: Readonly<Record<string, (event: EventAnswer) => string>> = {
  "run.paused": ({ agent }) => `paused by ${agent ?? "?"}: nothing new is claimed`,
  "run.resumed": ({ agent }) => `resumed by ${agent ?? "?"}`,
  "run.cancelling": ({ agent }) => `cancelled by ${agent ?? "?"}: running tasks are asked to stop`,
  "run.budget_warned": ({ data }) => `has nearly spent its budget: ${spentOf(data)}`,
  "run.budget_blocked": ({ data }) => `has spent its budget, nothing new is claimed: ${spentOf(data)}`,
  "run.budget_set": ({ agent, data }) => `given another budget by ${agent ?? "?"}: ${spentOf(data)}`,
  "agent.warned": ({ agent, data }) => `${agent ?? "?"} is silent, and ${textOf(data["wanted_by"])} wants ${textOf(data["wanted"])}: it goes at ${textOf(data["until"])}`,
  "run.reopened": ({ agent }) => `reopened by ${agent ?? "?"}`,
  "run.resumed_from_checkpoint": ({ agent }) => `taken back to a checkpoint by ${agent ?? "?"}`,
};

/** One line for an event of a run; undefined for what is of no interest to who watches it. */
export function eventText(event: EventAnswer, lastedMs: number | undefined, style: Style): string | undefined {
  const run = RUN_EVENTS[event.type];
  if (run !== undefined) return `run ${run(event)}`;
  const wording = TASK_EVENTS[event.type];
  if (wording === undefined) return undefined;
  const key = typeof event.data["key"] === "string" ? event.data["key"] : (event.task ?? "?");
  return `${signOf(wording.status, style)} ${key} ${shownLine(wording.words(event, lastedMs))}`;
}

function after(ms: number | undefined): string {
  return ms === undefined ? "" : ` after ${duration(ms)}`;
}

function spentOf({ budget }: Data): string {
  if (typeof budget !== "object" || budget === null) return "none";
  const { spent, limit } = budget as Data;
  return `${String(spent)} of ${String(limit)} US$`;
}

function attemptOf({ attempt }: Data): string {
  return typeof attempt === "number" && attempt > 1 ? `, attempt ${attempt}` : "";
}

function progressOf({ percent, note }: Data): string {
  const parts = [typeof percent === "number" ? percentText(percent) : "", typeof note === "string" ? note : ""];
  return parts.filter((part) => part !== "").join(", ") || "at work";
}

function errorOf({ error }: Data): string {
  if (typeof error !== "object" || error === null) return "no reason given";
  const { type, message } = error as Data;
  return [type, message].filter((part) => typeof part === "string" && part !== "").join(": ");
}

/** Names what a step waits for that no agent claims. */
function awaited({ ask, workflow, event, until }: Data, task: string | undefined): string {
  if (typeof ask === "string") return `for a decision: ${ask} (baton approve ${task ?? "?"})`;
  if (typeof workflow === "string") return `for a run of ${workflow}`;
  if (typeof event === "string") return `for the event ${event}`;
  // Milliseconds in events of before 0.2.
  if (typeof until === "number") return `until ${iso(until)}`;
  return typeof until === "string" ? `until ${until}` : "";
}

function lossOf(agent: string, data: Data): string {
  return data["error"] === undefined ? `taken back: ${agent} stopped responding` : `taken back: ${errorOf(data)}`;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "?";
}

function reasonOf({ reasons }: Data): string {
  const first: unknown = Array.isArray(reasons) ? reasons[0] : undefined;
  if (typeof first !== "object" || first === null || !("detail" in first)) return "";
  return typeof first.detail === "string" ? `: ${first.detail}` : "";
}
