import { type InputRequiredResult, inputRequired, inputResponse } from "@modelcontextprotocol/server";
import type { JsonObject } from "../../base/json.js";
import type { Question, QuestionReference } from "../../engine/escalations/elicitations.js";
import type { RemoteElicitationHost } from "../elicitation/elicitation-host.js";
import { type Again, elicitationFormOf, lateNotice } from "../elicitation/form.js";
import { refusalOf } from "../elicitation/refused-decision.js";
import { subjectsNamedIn } from "../elicitation/subjects-named.js";
import { INVALID_PARAMS, Refusal } from "../transport/refusals.js";

type Responses = Parameters<typeof inputResponse>[0];

/** A call of a client at which a person sits, with what they have entered. */
export interface AttendedCall {
  readonly input: JsonObject;
  readonly responses: Responses;
  /** Names the question that the responses answer. */
  readonly state: string | undefined;
}

/** Names of what is asked for. */
const DECISION = "decision";
const NOTICE = "notice";

/**
 * Asks the person at a client, before a call is carried out, a question that waits about what the call names; undefined where there is
 * none, or none any more. The client calls again with what was entered, here or at another server: the database knows what each client is
 * asked, so the state that it brings back says which question it was, and permits nothing. Errors: a `Refusal` of a state that is none.
 */
export async function inputFor(
  open: () => Promise<RemoteElicitationHost>,
  { input, responses, state }: AttendedCall,
): Promise<InputRequiredResult | undefined> {
  if (state !== undefined) return afterAnswer(await open(), { ...parsedState(state), responses });
  const subjects = subjectsNamedIn(input);
  // A notice comes back without a state: the call goes on.
  if (subjects.length === 0 || responses !== undefined) return undefined;
  const question = await (await open()).ask(subjects);
  return question && asFor(question, 0);
}

interface Answered extends AskedState {
  readonly responses: Responses;
}

async function afterAnswer(
  host: RemoteElicitationHost,
  { reference, round, responses }: Answered,
): Promise<InputRequiredResult | undefined> {
  const question = await host.asked(reference);
  const answer = inputResponse(responses, DECISION);
  if (answer.kind !== "elicit") return question && asFor(question, round);
  if (answer.action !== "accept") return undefined;
  const over = async (problem: string) => {
    await host.forget(reference);
    return tellLate(problem);
  };
  if (question === undefined) return over("It was decided elsewhere, or the time of the form was over.");
  // Values that the client sent: they are checked with the decision.
  const content = (answer.content ?? {}) as Again["content"];
  const decision = elicitationFormOf(question).read(content);
  if (decision === undefined) return undefined;
  const problem = await refusalOf(host.decide(question, decision));
  if (problem !== undefined) {
    if ((await host.asked(reference)) === undefined) return over(problem);
    return round + 1 < host.roundsMax ? asFor(question, round + 1, { problem, content }) : undefined;
  }
  await host.forget(reference);
  return undefined;
}

function asFor(question: Question, round: number, again?: Again): InputRequiredResult {
  const { params } = elicitationFormOf(question, again);
  const { id, token, run } = question;
  const requestState = [id, token, run?.id ?? id, round].join(" ");
  return inputRequired({ inputRequests: { [DECISION]: { method: "elicitation/create", params } }, requestState });
}

function tellLate(problem: string): InputRequiredResult {
  return inputRequired({ inputRequests: { [NOTICE]: { method: "elicitation/create", params: lateNotice(problem) } } });
}

interface AskedState {
  readonly reference: QuestionReference;
  readonly round: number;
}

const STATE = /^([0-9a-z_]{1,64}) (\d{1,15}) ([0-9a-z_]{1,64}) (\d)$/;

function parsedState(state: string): AskedState {
  const [, id = "", token = "", about = "", round = ""] = STATE.exec(state) ?? [];
  if (id === "") throw new Refusal(INVALID_PARAMS, "Invalid requestState", { reason: "invalid_request_state" });
  return { reference: { id, token: Number(token), about }, round: Number(round) };
}
