import { setTimeout as after } from "node:timers/promises";
import { BatonError } from "../../base/errors.js";
import type { ResultOf } from "../../tools/registry.js";
import type { CommandContext } from "../command.js";
import { isAmount } from "../option-values.js";
import { type FormField, fieldsOf, promptOf, valueOf } from "../terminal/form.js";
import type { QuestionAnswer, TypedCall } from "../typed-calls.js";

const PAGE = 200;
const PAGES_MAX = 5;

/** Reads the open questions of a run, or of all runs, oldest first. */
export async function openQuestions(call: TypedCall, run?: string): Promise<readonly QuestionAnswer[]> {
  const questions: QuestionAnswer[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const found: ResultOf<"list_escalations"> = await call("list_escalations", { run, limit: PAGE, cursor });
    questions.push(...found.escalations);
    cursor = found.next_cursor;
    if (cursor === undefined) break;
  }
  return questions;
}

/** The step that asks, or the kind of escalation with the agent that has made it. */
export function speakerOf({ task, type, from }: QuestionAnswer): string {
  return task?.key ?? `${type} of ${from ?? "?"}`;
}

/** The run that a question belongs to. */
export function runOf({ task, run }: QuestionAnswer): string | undefined {
  return task?.run ?? run;
}

/** The question itself, whole, with what a form asks for. */
export function questionText(question: QuestionAnswer): string {
  const { ask, details, form, until, due_at: dueAt, default_decision: otherwise, tier } = question;
  const fields = form === undefined ? [] : (fieldsOf(form) ?? []);
  const asked = fields.map(({ name, kind, required }) => `${name} (${kind}${required ? ", needed" : ""})`);
  return [
    `? ${speakerOf(question)}: ${ask}`,
    ...(details === undefined ? [] : details.split("\n").map((line) => `    ${line}`)),
    ...(asked.length === 0 ? [] : [`  asks for ${asked.join(", ")}`]),
    ...(until === undefined
      ? []
      : [`  ${otherwise === "approve" ? "approved" : "rejected"} without an answer by ${until}`]),
    ...(dueAt === undefined ? [] : [`  at the tier ${tier} until ${dueAt}; by default: ${otherwise ?? "reject"}`]),
  ].join("\n");
}

export type DecidedQuestion = ResultOf<"decide_escalation">;
type Decision = "approved" | "approved_with_conditions" | "rejected";

/** Words for an ended question. */
export function decidedText(
  decision: string,
  { task, escalation, newly_ready: ready, budget }: DecidedQuestion,
): string {
  const raised = budget === undefined ? "" : `, the limit is ${budget.limit} US$ now`;
  const next = ready.length === 0 ? "" : `, ready now: ${ready.map(({ key }) => key).join(", ")}`;
  const subject = task?.key ?? escalation?.id ?? "?";
  return `${subject} ${decision}${task === undefined ? "" : `: it is ${task.status}`}${raised}${next}`;
}

/**
 * Asks the person at the terminal for a decision, and again where Baton refuses the answers. Undefined where the person leaves the
 * question open, or the signal fires.
 */
export async function askQuestion(
  { call, askLine, stderr }: CommandContext,
  question: QuestionAnswer,
  signal: AbortSignal,
): Promise<DecidedQuestion | undefined> {
  if (askLine === undefined) return undefined;
  const line = async (prompt: string) => (await askLine(prompt, signal))?.trim();
  const again = (text: string) => stderr.print(`  ${text}\n`);
  stderr.print(`${questionText(question)}\n`);
  for (;;) {
    const decision = await askDecision(line, again);
    if (decision === undefined) return undefined;
    const conditions = decision === "approved_with_conditions" ? await askConditions(line) : {};
    const given = decision === "rejected" ? await askReason(line) : await askAnswers(line, question);
    const raise = decision === "rejected" || question.budget === undefined ? {} : await askAmount(line, again);
    if (given === undefined || conditions === undefined || raise === undefined) return undefined;
    try {
      const decided = await call(
        "decide_escalation",
        { id: question.id, token: question.token, decision, ...conditions, ...given, ...raise },
        signal,
      );
      stderr.print(`  ${decidedText(decision, decided)}\n`);
      return decided;
    } catch (error) {
      if (!(error instanceof BatonError)) throw error;
      stderr.print(`  ${error.message}\n`);
      // Another secret is asked again as other answers are; a place where no person may decide stays one.
      if (error.code !== "invalid_input" && !isWrongSecret(error)) return undefined;
    }
  }
}

function isWrongSecret({ code, details }: BatonError): boolean {
  return code === "not_permitted" && details?.["permitted"] === undefined;
}

type AskLine = (prompt: string) => Promise<string | undefined>;

const DECISIONS: readonly (readonly [RegExp, Decision | "later"])[] = [
  [/^(?:a|approved?|y|yes)$/i, "approved"],
  [/^(?:c|conditions?)$/i, "approved_with_conditions"],
  [/^(?:r|reject(?:ed)?|n|no)$/i, "rejected"],
  [/^(?:l|later)$/i, "later"],
];

async function askDecision(line: AskLine, again: (text: string) => void): Promise<Decision | undefined> {
  for (;;) {
    const typed = await line("  Type a letter: [a]pprove, [c]onditions, [r]eject, [l]ater: ");
    if (typed === undefined) return undefined;
    const [, decision] = DECISIONS.find(([words]) => words.test(typed)) ?? [];
    if (decision !== undefined) return decision === "later" ? undefined : decision;
    again("Type a (or y) to approve, c to approve under conditions, r (or n) to reject, l to leave the question open.");
  }
}

async function askConditions(line: AskLine): Promise<{ conditions: string[] } | undefined> {
  const conditions: string[] = [];
  for (;;) {
    const condition = await line(conditions.length === 0 ? "  under the condition: " : "  and (or nothing): ");
    if (condition === undefined) return undefined;
    if (condition !== "") conditions.push(condition);
    else if (conditions.length > 0) return { conditions };
  }
}

async function askAmount(line: AskLine, again: (text: string) => void): Promise<{ amount?: number } | undefined> {
  for (;;) {
    const typed = await line("  raise the budget by US$ (or nothing, for what is proposed): ");
    if (typed === undefined) return undefined;
    if (typed === "") return {};
    if (isAmount(typed)) return { amount: Number(typed) };
    again("Type an amount above 0, such as 2.5.");
  }
}

async function askReason(line: AskLine): Promise<{ note?: string } | undefined> {
  const note = await line("  why (optional): ");
  if (note === undefined) return undefined;
  return note === "" ? {} : { note };
}

/** Answers to the question's form; undefined where the person stops. */
async function askAnswers(
  line: AskLine,
  { form }: QuestionAnswer,
): Promise<{ answers?: Record<string, unknown> } | undefined> {
  if (form === undefined) return {};
  const whole: FormField = {
    name: "answers",
    required: true,
    kind: "JSON",
    description: undefined,
    preset: undefined,
    schema: {},
  };
  const fields = fieldsOf(form);
  const answers: Record<string, unknown> = {};
  for (const field of fields ?? [whole]) {
    const text = await askField(line, field);
    if (text === undefined) return undefined;
    if (text !== "") answers[field.name] = valueOf(text, field);
    else if (field.preset !== undefined) answers[field.name] = field.preset;
  }
  if (fields !== undefined) return { answers };
  const { answers: given } = answers;
  return { answers: typeof given === "object" && given !== null ? { ...given } : answers };
}

async function askField(line: AskLine, field: FormField): Promise<string | undefined> {
  for (;;) {
    const text = await line(promptOf(field));
    if (text === undefined || text !== "" || !field.required) return text;
  }
}

const CHECK_MS = 500;

/** The same, until the question has been answered elsewhere, has lapsed, or the signal fires. */
export async function askWhileOpen(
  context: CommandContext,
  question: QuestionAnswer,
  signal: AbortSignal,
): Promise<DecidedQuestion | undefined> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  const asked = askQuestion(context, question, ended.signal);
  const answered = untilAnswered(context.call, question, ended.signal);
  try {
    await Promise.race([asked, answered]);
  } finally {
    end();
    signal.removeEventListener("abort", end);
  }
  await answered;
  return asked;
}

async function untilAnswered(call: TypedCall, question: QuestionAnswer, signal: AbortSignal): Promise<void> {
  const { id, token } = question;
  for (;;) {
    try {
      await after(CHECK_MS, undefined, { signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const open = await openQuestions(call, runOf(question));
    if (!open.some((one) => one.id === id && one.token === token)) return;
  }
}
