import { type Context, Hono } from "hono";
import { BatonError } from "../../base/errors.js";
import type { ExportedUsage } from "../../engine/cost/export-ledger.js";
import type { Env } from "../env.js";
import { refusal, refused } from "../problems.js";
import { type ReadExport, usagesInLogs, usagesInMetrics } from "./claude-code.js";

export interface OtlpParts {
  /**
   * Books usage that a client has exported to the agent and the task of its session. `agents` are those that the sender may act as;
   * null: any. Errors: `unavailable`.
   */
  bookUsage(usages: readonly ExportedUsage[], agents: readonly string[] | null): Promise<BookedUsage>;
  /** Whether nothing may be written. */
  readonly readOnly: boolean;
}

export interface BookedUsage {
  readonly rejected: number;
  readonly why: string | undefined;
}

const UNSUPPORTED = 415;
const UNREAD = "Without session.id, model, time or a possible amount.";

/** Takes what clients export by OTLP about tokens and cost. The rest of an export is taken and forgotten. */
export function otlpRoutes(parts: OtlpParts): Hono<Env> {
  const routes = new Hono<Env>();
  const take = async (context: Context<Env>, { read, rejected: key }: Signal) => {
    try {
      const objection = objectionTo(context);
      if (objection !== undefined)
        return refused(context, { code: "unsupported_media_type", status: UNSUPPORTED, detail: objection });
      const { usages, unread } = read(parsed(await context.req.text()));
      if (usages.length > 0 && parts.readOnly)
        throw new BatonError("not_permitted", "This server is read-only: nothing is booked.");
      const agents = context.get("visitor").access?.agents ?? null;
      const { rejected, why } =
        usages.length === 0 ? { rejected: 0, why: undefined } : await parts.bookUsage(usages, agents);
      const left = rejected + unread;
      if (left === 0) return context.json({});
      return context.json({ partialSuccess: { [key]: String(left), errorMessage: why ?? UNREAD } });
    } catch (error) {
      return refusal(context, error);
    }
  };
  routes.post("/v1/metrics", (context) => take(context, METRICS));
  routes.post("/v1/logs", (context) => take(context, LOGS));
  return routes;
}

interface Signal {
  readonly read: (request: unknown) => ReadExport;
  /** The field of a partial success that counts what was not taken. */
  readonly rejected: string;
}

const METRICS: Signal = { read: usagesInMetrics, rejected: "rejectedDataPoints" };
const LOGS: Signal = { read: usagesInLogs, rejected: "rejectedLogRecords" };

function objectionTo({ req }: Context<Env>): string | undefined {
  if (!/^application\/json *(;|$)/i.test(req.header("content-type") ?? ""))
    return "This receiver speaks OTLP as JSON: set OTEL_EXPORTER_OTLP_PROTOCOL=http/json.";
  const encoding = req.header("content-encoding") ?? "identity";
  if (encoding !== "identity") return "Bodies are not compressed here: set OTEL_EXPORTER_OTLP_COMPRESSION=none.";
  return undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BatonError("invalid_input", "The body is no JSON. Nothing was done.");
  }
}
