import { shellWord } from "../../base/texts/shell-word.js";
import { BatonError } from "../../base/errors.js";
import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { defined } from "../../base/json.js";
import type { InputOf } from "../../tools/registry.js";
import { UsageError } from "../failure.js";
import {
  speakerOf,
  askQuestion,
  type DecidedQuestion,
  decidedText,
  openQuestions,
  questionText,
  runOf,
} from "../run/questions.js";
import { inputsOf } from "../run/workflow-file.js";
import { fieldsOf } from "../terminal/form.js";
import type { QuestionAnswer } from "../typed-calls.js";

const SHOWN_MAX = 200;

export interface ApproveOptions extends Shared {
  readonly answer: readonly string[];
  readonly condition: readonly string[];
  readonly note?: string;
  /** US dollars by which the budget of a budget_override rises. */
  readonly amount?: number;
}

/** `baton approve [TASK]`: without a task it asks each open question in turn, or lists them where there is no terminal. */
export async function approve(
  context: CommandContext,
  task: string | undefined,
  { answer, condition, note, amount }: ApproveOptions,
): Promise<CommandAnswer> {
  const open = await openQuestions(context.call);
  if (task === undefined && amount !== undefined)
    throw new UsageError("--amount raises the budget of one question: baton approve ID --amount N.");
  if (task === undefined) return context.askLine === undefined ? listed(open) : askEach(context, open);
  const question = named(open, task);
  const { form, id, token } = question ?? closed(task);
  if (question !== undefined && form !== undefined && answer.length === 0) return answerForm(context, question);
  const decision = condition.length === 0 ? "approved" : "approved_with_conditions";
  const conditions = condition.length === 0 ? undefined : [...condition];
  const answers = form === undefined && answer.length === 0 ? undefined : inputsOf(answer, form?.["properties"]);
  const decided = await context.call("decide_escalation", { id, token, decision, conditions, answers, note, amount });
  return { data: decided, text: decidedText("approved", decided) };
}

/** `baton reject TASK` */
export async function reject(
  { call }: CommandContext,
  task: string,
  { note }: Pick<ApproveOptions, "note">,
): Promise<CommandAnswer> {
  const { id, token } = named(await openQuestions(call), task) ?? closed(task);
  const decided = await call("decide_escalation", { id, token, decision: "rejected", note });
  return { data: decided, text: decidedText("rejected", decided) };
}

/** A question that is not open: the refusal of a decision says who decided it, or why it is void. */
function closed(id: string) {
  return { id, form: undefined, token: undefined };
}

const WHOLE_ID = /^(?:escalation|approval)_[0-9a-z]{16}$/;

/**
 * The open question of a task: by its id or the beginning of it, as RUN/STEP, or by the step's key where one question has it. Undefined
 * for the whole id of an escalation or approval that is not open.
 */
function named(open: readonly QuestionAnswer[], reference: string): QuestionAnswer | undefined {
  const exact = open.filter(({ id, task }) => id === reference || `${task?.run}/${task?.key}` === reference);
  const near = open.filter(({ id, task }) => task?.key === reference || id.startsWith(reference));
  const [found, ...others] = exact.length > 0 ? exact : near;
  if (found === undefined && WHOLE_ID.test(reference)) return undefined;
  if (found === undefined)
    throw new BatonError(
      "not_found",
      `No question is open for "${reference}". \`baton approve\` shows those that are.`,
      {},
    );
  if (others.length === 0) return found;
  const ids = [found, ...others].map((one) => `${one.id} (${runOf(one) ?? speakerOf(one)})`);
  throw new UsageError(`"${reference}" is asked ${ids.length} times: ${ids.join(", ")}. Name one by its id.`);
}

async function answerForm(context: CommandContext, question: QuestionAnswer): Promise<CommandAnswer> {
  if (context.askLine === undefined) {
    const fields = fieldsOf(question.form ?? {}) ?? [];
    const flags = fields
      .filter(({ required }) => required)
      .map(({ name, kind }) => ` --answer ${shellWord(`${name}=${kind}`)}`);
    throw new UsageError(`${speakerOf(question)} asks for answers: baton approve ${question.id}${flags.join("")}.`);
  }
  return askEach(context, [question]);
}

async function askEach(context: CommandContext, open: readonly QuestionAnswer[]): Promise<CommandAnswer> {
  const decided: DecidedQuestion[] = [];
  for (const question of open) {
    const one = await askQuestion(context, question, new AbortController().signal);
    if (one !== undefined) decided.push(one);
  }
  const left = open.length - decided.length;
  const text =
    open.length === 0 ? "No question is open." : left === 0 ? "All questions are answered." : `${left} left open.`;
  return { data: { decided }, text };
}

export interface EscalationsOptions extends Shared {
  readonly status?: InputOf<"list_escalations">["status"];
  readonly tier?: InputOf<"list_escalations">["tier"];
  readonly run?: string;
}

/** `baton escalations`: the questions that wait for a decision, or those that were decided. */
export async function listEscalations(
  { call }: CommandContext,
  { status, tier, run }: EscalationsOptions,
): Promise<CommandAnswer> {
  const found = await call("list_escalations", { ...defined({ status, tier, run }), limit: SHOWN_MAX });
  const lines = found.escalations.flatMap((question) => [questionText(question), stateText(question)]);
  const more = found.next_cursor === undefined ? [] : [`Only the first ${SHOWN_MAX} are shown.`];
  return { data: found, text: lines.length === 0 ? "There are none." : [...lines, ...more].join("\n") };
}

function stateText({ id, status, decided_by: by, conditions = [], note }: QuestionAnswer): string {
  if (status === "open" || status === "paused") return `  ${status}: baton approve ${id}, or baton reject ${id}`;
  const said = [...conditions, ...(note === undefined ? [] : [note])];
  return `  ${status} by ${by ?? "?"} (${id})${said.length === 0 ? "" : `: ${said.join("; ")}`}`;
}

function listed(open: readonly QuestionAnswer[]): CommandAnswer {
  const lines = open.flatMap((question) => [
    questionText(question),
    `  baton approve ${question.id}, or baton reject ${question.id}`,
  ]);
  return { data: { escalations: open }, text: open.length === 0 ? "No question is open." : lines.join("\n") };
}
