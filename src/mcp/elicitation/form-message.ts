import type {
  ApprovalQuestion,
  EscalationQuestion,
  Question,
  StepQuestion,
} from "../../engine/escalations/elicitations.js";
import type { OwnFields } from "./form-fields.js";
import { block, inline, LABEL_CHARS_MAX, REMARK_CHARS_MAX } from "./shown-text.js";

// The words around a question: Baton's own, with the text of its author set apart.

const NAMED_MAX = 10;
const HASH_CHARS = 13;

interface Beside extends Pick<OwnFields, "missing" | "omitted"> {
  /** Why the previous answer was refused. */
  readonly problem: string | undefined;
}

/** Returns the message of a form. */
export function messageOf(question: Question, { missing, omitted, problem }: Beside): string {
  const { text, left } = block(authorsText(question));
  const list =
    question.run === null ? "baton call list_escalations" : `baton call list_escalations --run ${question.run.id}`;
  const parts = [
    problem === undefined ? "" : `Refused: ${inline(problem, REMARK_CHARS_MAX)}`,
    introduction(question),
    text,
    left === 0 ? "" : `${left} more characters are not shown. Read them first: ${list}`,
    missing.length === 0
      ? ""
      : `It asks for what this form cannot show: ${names(missing)}. To approve, use a terminal.`,
    omitted.length === 0
      ? ""
      : `It takes more than this form can show: ${names(omitted)}. That can be given at a terminal.`,
    `${authorship(question)}Assistants read what you enter: no passwords, no keys.`,
    `${withoutDecision(question)}Close this form to leave it open. At a terminal: baton approve ${question.id}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function introduction(question: Question): string {
  if (question.kind === "step") return stepIntroduction(question);
  return question.kind === "escalation" ? escalationIntroduction(question) : approvalIntroduction(question);
}

function stepIntroduction({ key, run, project, startedBy }: StepQuestion): string {
  return `Step ${name(key)} of run ${name(run?.name ?? "")} in project ${name(project)} waits for your decision. ${name(startedBy)} started the run. The question:`;
}

function escalationIntroduction(question: EscalationQuestion): string {
  const { from, type, isBlocking } = question;
  const waits = isBlocking ? " A task waits for it." : "";
  return `${from === null ? "Baton" : name(from)} asks for your decision (${type}) in ${placeOf(question)}.${waits} The question:`;
}

function approvalIntroduction(question: ApprovalQuestion): string {
  const { from, subject, hash, artifact, task, reason } = question;
  const read =
    artifact === null ? `baton call get_task --task ${task ?? ""} --include result` : `baton artifacts get ${artifact}`;
  return (
    `${name(from)} asks for your approval of ${name(subject)} in ${placeOf(question)}. It holds for what this is now ` +
    `(hash ${inline(hash, HASH_CHARS)}) and for nothing newer. Read it first: ${read}${reason === null ? "" : "\n\nThe reason:"}`
  );
}

function placeOf({ run, project }: Question): string {
  return run === null ? `project ${name(project)}` : `run ${name(run.name)} of project ${name(project)}`;
}

function authorsText(question: Question): string {
  if (question.kind === "step") return question.ask;
  if (question.kind === "approval") return question.reason ?? "";
  const { title, details } = question;
  return details === null ? title : `${title}\n\n${details}`;
}

function authorship(question: Question): string {
  if (question.kind === "step")
    return "The question is the workflow's, which an assistant may have written, and not Baton's. ";
  return question.from === null ? "" : "These words are the assistant's that asks, and not Baton's. ";
}

function withoutDecision(question: Question): string {
  const { until } = question;
  return until === null ? "" : `Without a decision by ${timeOf(until)} ${defaultOf(question)}. `;
}

function defaultOf(question: Question): string {
  if (question.kind === "approval") return "it stays open";
  if (question.kind === "step")
    return `it counts as ${question.defaultDecision === "approve" ? "approved" : "rejected"}`;
  const { defaultDecision } = question;
  if (defaultDecision === "reject") return "it counts as rejected";
  return defaultDecision === "retry" ? "it counts as: try again" : "it waits on, without a time limit";
}

function name(text: string): string {
  // A quotation mark within would end the name, and what follows would read as Baton's words.
  return `"${inline(text, LABEL_CHARS_MAX).replaceAll('"', "'")}"`;
}

function names(all: readonly string[]): string {
  return all.slice(0, NAMED_MAX).map(name).join(", ");
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
