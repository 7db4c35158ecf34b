import { z } from "zod";
import { FAILURE_SEVERITIES, FAILURE_TYPES } from "../base/statuses.js";
import { predictFailures } from "../engine/recovery/predictions.js";
import { type FailureAction, recordFailure, takeBack } from "../engine/recovery/reports.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";

const predict = defineOperation({
  name: "predict_failures",
  title: "Predict failures",
  description:
    "Predicts which live agents fail next, from recorded facts: latest failures, silence of their process (phi accrual), a task that takes unusually long, overload. Use it before giving an agent work that matters. Returns a probability each, with its reasons.",
  area: "recovery",
  effect: "read",
  words: ["which agent will fail", "unreliable agents"],
  input: z.object({ agent: params.name.optional().describe("Only this one, from list_agents.") }),
  output: z.object({
    predictions: z.array(
      z.object({ agent: z.string(), probability: z.number(), reasons: z.array(z.string()).readonly() }),
    ),
  }),
  *run(ctx, { agent }) {
    return { predictions: (yield* predictFailures(ctx, agent)).map((one) => ({ ...one })) };
  },
});

const report = defineOperation({
  name: "report_failure",
  title: "Report a failure",
  description:
    "Records that an agent, a server or a task has failed, and does at once what facts allow: tasks of a process that is gone are taken back, a severity of high or more counts on the agent's circuit breaker. Use it for failures you have seen. Returns what was done.",
  area: "recovery",
  effect: "write",
  aliases: ["handle_failure"],
  words: ["agent crashed", "agent unresponsive", "server down"],
  example: { type: "agent_crashed", severity: "high", agent: "ann" },
  input: z.object({
    type: z.enum(FAILURE_TYPES),
    severity: z.enum(FAILURE_SEVERITIES).default("medium"),
    agent: params.name.optional().describe("The agent that failed, from list_agents."),
    server: params.name.optional().describe("The MCP server that failed."),
    details: z.string().max(2_000).optional().describe("For the history."),
    request_id: params.requestId,
  }),
  output: z.object({
    failure: z.object({ id: z.string(), type: z.enum(FAILURE_TYPES) }),
    actions: z.array(
      z.object({
        action: z.enum(["task_taken_back", "left_with_holder", "breaker_counted", "breaker_opened", "noted"]),
        task: z.string().optional(),
        detail: z.string(),
      }),
    ),
  }),
  async perform(host, input) {
    const { id, actions, lost } = await host.transact((ctx) => recordFailure(ctx, input), "record");
    const taken: FailureAction[] = [];
    for (const one of lost) {
      const action = await host.transact((ctx) => takeBack(ctx, one), `take back ${one.task}`);
      if (action) taken.push(action);
    }
    return { failure: { id, type: input.type }, actions: [...taken, ...actions] };
  },
});

export const recoveryOperations = [predict, report] as const;
