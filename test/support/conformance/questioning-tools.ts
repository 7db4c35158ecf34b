import { randomBytes, randomUUID } from "node:crypto";
import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  createRequestStateCodec,
  type InputRequests,
  inputRequired,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { said } from "./plain-tools.js";

type Answer = Promise<CallToolResult | InputRequiredResult>;

interface State {
  readonly round: number;
  readonly nonce: string;
}

/** Signs the state that comes back with an answer. */
export const requestState = createRequestStateCodec<State>({ key: randomBytes(32) });
const stateOf = (round: number) => requestState.mint({ round, nonce: randomUUID() });

export function form(message: string, field: string, type: "string" | "boolean" = "string") {
  const shown = type === "string" ? ({ type: "string" } as const) : ({ type: "boolean" } as const);
  return inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: shown }, required: [field] },
  });
}

const sample = (text: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 50 });

const NAME = () => form("What is your name?", "name");
const CONFIRM = () => form("Please confirm", "ok", "boolean");
const done = (text: string) => ({ content: [said(text)] });

function accepted({ mcpReq }: ServerContext, key: string): Record<string, unknown> | undefined {
  return acceptedContent(mcpReq.inputResponses, key);
}

async function elicited(context: ServerContext): Answer {
  const name = accepted(context, "user_name")?.["name"];
  return typeof name === "string" ? done(`Hello, ${name}!`) : inputRequired({ inputRequests: { user_name: NAME() } });
}

async function sampled({ mcpReq }: ServerContext): Answer {
  const answer = mcpReq.inputResponses?.["capital_question"];
  if (answer === undefined) return inputRequired({ inputRequests: { capital_question: sample("Capital of France?") } });
  return done(`Sampling response: ${JSON.stringify(answer)}`);
}

async function rooted({ mcpReq }: ServerContext): Answer {
  const answer = mcpReq.inputResponses?.["client_roots"];
  if (answer === undefined) return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  return done(`Roots: ${JSON.stringify(answer)}`);
}

async function confirmed(context: ServerContext): Answer {
  const isConfirmed = accepted(context, "confirm") !== undefined && context.mcpReq.requestState() !== undefined;
  if (isConfirmed) return done("state-ok: confirmed");
  return inputRequired({ inputRequests: { confirm: CONFIRM() }, requestState: await stateOf(1) });
}

async function manyAtOnce(context: ServerContext): Answer {
  const { inputResponses: answers } = context.mcpReq;
  const isAnswered = ["user_name", "greeting", "client_roots"].every((key) => answers?.[key] !== undefined);
  if (isAnswered) return done("all answered");
  const inputRequests = {
    user_name: NAME(),
    greeting: sample("Generate a greeting"),
    client_roots: inputRequired.listRoots(),
  };
  return inputRequired({ inputRequests, requestState: await stateOf(1) });
}

async function inRounds(context: ServerContext): Answer {
  const round = context.mcpReq.requestState<State>()?.round ?? 0;
  if (round === 0) return inputRequired({ inputRequests: { step1: NAME() }, requestState: await stateOf(1) });
  if (round === 1)
    return inputRequired({ inputRequests: { step2: form("Which colour?", "color") }, requestState: await stateOf(2) });
  return done(`Multi-round complete: ${String(accepted(context, "step2")?.["color"])}`);
}

/** Asks for what the client has said that it can be asked for. */
async function withinCapabilities({ mcpReq }: ServerContext): Answer {
  if (mcpReq.inputResponses !== undefined) return done("answered");
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const declared = envelope[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
  const inputRequests: InputRequests = {
    ...(declared?.elicitation !== undefined && { user_name: NAME() }),
    ...(declared?.sampling !== undefined && { greeting: sample("Generate a greeting") }),
  };
  return Object.keys(inputRequests).length === 0 ? done("nothing to ask for") : inputRequired({ inputRequests });
}

async function sampledAlways(): Answer {
  return inputRequired({ inputRequests: { llm_answer: sample("Reply with: pong") } });
}

const TOOLS: Readonly<Record<string, (context: ServerContext) => Answer>> = {
  test_missing_capability: sampledAlways,
  test_input_required_result_elicitation: elicited,
  test_input_required_result_sampling: sampled,
  test_input_required_result_list_roots: rooted,
  test_input_required_result_request_state: confirmed,
  test_input_required_result_tampered_state: confirmed,
  test_input_required_result_multiple_inputs: manyAtOnce,
  test_input_required_result_multi_round: inRounds,
  test_input_required_result_capabilities: withinCapabilities,
};

/** Registers the tools of the suite that ask for input. */
export function registerQuestioningTools(server: McpServer): void {
  for (const [name, run] of Object.entries(TOOLS)) server.registerTool(name, { description: name }, run);
}
