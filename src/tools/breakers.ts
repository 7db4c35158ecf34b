import { z } from "zod";
import { BREAKER_STATES, LEADING_ROLES } from "../base/statuses.js";
import { listBreakerPage, resetBreaker } from "../engine/breakers/breakers.js";
import { breakerView } from "../engine/breakers/views.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

const breakerShape = z.object({
  target: z.string(),
  state: z.enum(BREAKER_STATES),
  failures: z.int().describe("In a row."),
  opens: z.int().describe("Since it was first seen or reset."),
  opened_at: shapes.instant.nullable(),
  retry_at: shapes.instant.optional(),
  trial: z.string().optional().describe("Task that tells whether it works again."),
});

const list = defineOperation({
  name: "list_circuit_breakers",
  title: "List circuit breakers",
  description:
    "Lists circuit breakers of agents and MCP servers that have counted a failure. Use it where a claim says breaker_open. Returns each with its state: closed, open (until retry_at an agent gets no work that another can do, a server no call) or half_open (one task is its trial).",
  area: "recovery",
  effect: "read",
  aliases: ["get_circuit_breaker_status"],
  words: ["breaker", "agent gets no work", "keeps failing"],
  input: z.object({
    target: z.string().min(1).max(200).optional().describe("agent:NAME, server:NAME, or an agent's name."),
    ...params.paging,
  }),
  output: z.object({ breakers: z.array(breakerShape), ...shapes.nextPage }),
  *run(_, input) {
    const { page, next } = yield* listBreakerPage(input);
    return { breakers: page.map(breakerView), ...next };
  },
});

const reset = defineOperation({
  name: "reset_circuit_breaker",
  title: "Reset a circuit breaker",
  description:
    "Closes a circuit breaker and forgets its failures, so that its agent or MCP server gets work again at once. Use it when the cause has been mended. Not for the agent itself. Returns the breaker as it is then.",
  area: "recovery",
  effect: "write",
  permission: LEADING_ROLES,
  words: ["let an agent work again", "close the breaker"],
  example: { target: "agent:ann" },
  input: z.object({
    target: z.string().min(1).max(200).describe("From list_circuit_breakers."),
    ...params.acting,
  }),
  output: z.object({ breaker: breakerShape }),
  *run(ctx, input) {
    return { breaker: breakerView(yield* resetBreaker(ctx, input)) };
  },
});

export const breakerOperations = [list, reset] as const;
