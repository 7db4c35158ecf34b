import { type Context, Hono } from "hono";
import { BatonError } from "../../base/errors.js";
import { hint } from "../../base/names.js";
import type { CallerAccess } from "../../engine/context.js";
import type { Dispatch } from "../../dispatch/dispatch.js";
import { type FollowedHistory, type FollowRequest, startFollowing } from "../../engine/events/following.js";
import type { Env } from "../env.js";
import { refusal } from "../problems.js";
import type { StreamAnswers, StreamAnswerParts } from "./answers.js";
import { follow } from "./following.js";
import type { OpenHistory } from "./open-streams.js";
import { progressFrames } from "./progress.js";
import { HEARTBEAT, historyFrame, namedFrame, RECONNECT } from "./sse.js";

export interface StreamParts extends StreamAnswerParts {
  /** Shared by all that is streamed: one reader follows the history for them. */
  readonly streams: StreamAnswers;
  dispatch(client: string, access?: CallerAccess): Promise<Dispatch>;
}

/** The history and the progress of a run, as they come. */
export function streamRoutes(parts: StreamParts, client: string): Hono<Env> {
  const routes = new Hono<Env>();
  const { streams } = parts;
  routes.get("/events", (context) =>
    answering(context, async () => {
      const request = requestOf(context);
      return streams.answer(context, async (history, signal) => {
        const from = await history.reader.read((ctx) => startFollowing(ctx, request));
        return historyFrames(history, from, signal);
      });
    }),
  );
  routes.get("/runs/:run/progress", (context) =>
    answering(context, async () => {
      const run = context.req.param("run");
      const dispatch = await parts.dispatch(client, context.get("visitor").access);
      const read = async () => (await dispatch.call("get_run_progress", { run })).result;
      const now = await read();
      if (!wantsStream(context)) return context.json(now);
      const heartbeatMs = parts.heartbeatMs();
      return streams.answer(context, async (history, signal) =>
        progressFrames({ history, run, read, pace: { heartbeatMs, signal } }),
      );
    }),
  );
  return routes;

  async function* historyFrames(
    history: OpenHistory,
    from: FollowedHistory,
    signal: AbortSignal,
  ): AsyncGenerator<string, undefined> {
    const { cursor, gone } = from;
    yield `${RECONNECT}${namedFrame("start", { cursor }, cursor)}${gone === undefined ? "" : namedFrame("gone", goneData(gone))}`;
    for await (const events of follow(history, from, { heartbeatMs: parts.heartbeatMs(), signal }))
      yield events.length === 0 ? HEARTBEAT : events.map(historyFrame).join("");
  }
}

async function answering(context: Context<Env>, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    return refusal(context, error);
  }
}

function wantsStream(context: Context<Env>): boolean {
  return /\btext\/event-stream\b/.test(context.req.header("accept") ?? "");
}

const QUERY = ["after", "run", "task", "project", "agent", "types"] as const;
const TYPES_MAX = 32;

/** Errors: `invalid_input`. */
function requestOf(context: Context<Env>): FollowRequest {
  const several = context.req.queries();
  const unknown = Object.keys(several).find((key) => !QUERY.some((known) => known === key));
  if (unknown !== undefined) {
    const message = `There is no parameter ${unknown}${hint(unknown, QUERY)}: a stream of the history takes ${QUERY.join(", ")}.`;
    throw new BatonError("invalid_input", message, { details: { parameters: QUERY } });
  }
  const twice = Object.keys(several).find((key) => key !== "types" && (several[key]?.length ?? 0) > 1);
  if (twice !== undefined)
    throw new BatonError("invalid_input", `${twice}: given more than once, and a stream of the history takes one.`, {});
  const given = context.req.query();
  const types = several["types"]?.flatMap((some) => some.split(",")).filter((type) => type !== "");
  if (types !== undefined && types.length > TYPES_MAX)
    throw new BatonError("invalid_input", `types: at most ${TYPES_MAX} at once, ${types.length} were given.`);
  // A browser that has lost the stream asks for the same address, and says here how far it came.
  const after = context.req.header("last-event-id") ?? given["after"];
  const { run, task, project, agent } = given;
  return { after, run, task, project, agent, types };
}

function goneData(gone: NonNullable<FollowedHistory["gone"]>): object {
  const detail =
    "Events behind the place that was asked for have been removed, or it is another database's: what was read before may be out of date. Read the state again; the stream goes on with what is there.";
  return { ...gone, detail };
}
