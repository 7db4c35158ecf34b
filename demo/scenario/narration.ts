import type { HistoryEvent } from "../show/feed.js";
import { clientOf, type Note, type Tone } from "../story.js";

type Line = readonly [text: string, tone?: Tone];

/** The line for the audience that an event is worth; none for most. */
export function narrated(event: HistoryEvent): Note | undefined {
  const line = lineOf(event);
  if (line === undefined) return undefined;
  const [text, tone = "plain"] = line;
  return { at: event.at, agent: shownName(event.agent ?? ""), text, tone };
}

/** The person's name at this machine is of no interest. */
function shownName(agent: string): string {
  const client = clientOf(agent);
  return agent === "" || client !== agent ? client : "person";
}

function lineOf({ type, data }: HistoryEvent): Line | undefined {
  const key = data.key ?? "";
  const facts = data as Readonly<Record<string, unknown>>;
  const said = (name: string): string => {
    const fact = facts[name];
    return typeof fact === "string" || typeof fact === "number" ? `${fact}` : "";
  };
  switch (type) {
    case "run.planned":
      return [`has planned ${said("steps")} steps`, "good"];
    case "run.paused":
      return ["holds the run"];
    case "run.resumed":
      return ["lets the run go on", "good"];
    case "task.claimed":
      return [`takes ${key}${(data.attempt ?? 1) > 1 ? `, attempt ${data.attempt}` : ""}`];
    case "task.succeeded":
      return [`finishes ${key}`, "good"];
    case "task.lease_lost":
      return [`${key} is ready again`, "notice"];
    case "lock.queued":
      return [`waits for ${(data.paths ?? []).join(", ")}`];
    case "escalation.opened":
      return [`asks for a decision: ${said("of")}, ${said("tier")}`, "notice"];
    case "escalation.decided":
      return [`decides: ${said("status")}`, "notice"];
    case "message.sent":
      return said("type") === "question" || said("type") === "answer"
        ? [`sends ${said("type")} to ${said("to")}`]
        : undefined;
    case "review.submitted":
      return [`reviews ${key}: ${said("verdict")}`, said("verdict") === "approve" ? "good" : "notice"];
    case "checkpoint.created":
      return [`a checkpoint is kept: ${said("label")}`, "notice"];
    case "run.resumed_from_checkpoint":
      return ["the run goes back to its checkpoint", "notice"];
    case "run.finished":
      return [`the run has ${data.status}`, data.status === "succeeded" ? "good" : "bad"];
    default:
      return undefined;
  }
}
