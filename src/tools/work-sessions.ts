import { RUN_MODES } from "../base/statuses.js";
import { z } from "zod";
import { actingAs } from "../engine/agents/agents.js";
import * as sessions from "../engine/runs/work-sessions.js";
import { defineOperation } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import { count, instant, nextPage } from "../dispatch/shapes.js";

const shape = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(["open", "closed", "expired"]),
  mode: z.enum(RUN_MODES),
  means: z.string(),
  max_parallel_tasks: z.int().nullable(),
  created_by: z.string(),
  created_at: instant,
  expires_at: instant.nullable(),
  closed_at: instant.optional(),
});

const create = defineOperation({
  name: "create_session",
  title: "Open a session",
  description:
    "Opens a named set of defaults for runs that are started with it: tasks at once, and a mode. Use it to start several similar runs; a call or a definition overrides it. Returns the session, for execute_workflow and orchestrate.",
  area: "system",
  effect: "write",
  input: z.object({
    name: z.string().min(1).max(100).optional(),
    mode: z
      .enum(RUN_MODES)
      .default("standard")
      .describe("high_performance: no bound; fault_tolerant: more tries; resource_aware: few tasks at once."),
    max_parallel_tasks: z.int().min(1).max(10_000).optional().describe("Limit of each run."),
    ttl: params.duration.optional().describe("Such as 8h, after which it closes. Default: open until closed."),
    ...params.acting,
  }),
  output: z.object({ session: shape, created: z.boolean() }),
  *run(ctx, { agent, ...wanted }) {
    const acting = yield* actingAs(ctx, agent);
    const { session, created } = yield* sessions.createSession(acting, wanted);
    return { session: sessions.sessionView(session, ctx.now), created };
  },
});

const list = defineOperation({
  name: "list_sessions",
  title: "List sessions",
  description:
    "Lists sessions, newest first, with their defaults and how many runs each has had. Use it to find a value for session. Only open ones, unless all.",
  area: "system",
  effect: "read",
  input: z.object({ all: z.boolean().default(false).describe("Closed ones too."), ...params.paging }),
  output: z.object({ sessions: z.array(shape.extend({ runs: count })), ...nextPage }),
  run: sessions.listSessions,
});

const close = defineOperation({
  name: "close_session",
  title: "Close a session",
  description:
    "Closes a session: no further run can start in it; runs under way continue. Use it when its work is over. Returns the session; a closed one is left unchanged.",
  area: "system",
  effect: "write",
  input: z.object({
    session: z.string().min(1).max(300).describe("Id or name, from create_session or list_sessions."),
    ...params.acting,
  }),
  output: z.object({ session: shape }),
  *run(ctx, { agent, session: reference }) {
    const acting = yield* actingAs(ctx, agent);
    return { session: sessions.sessionView(yield* sessions.closeSession(acting, reference), ctx.now) };
  },
});

export const workSessionOperations = [create, list, close] as const;
