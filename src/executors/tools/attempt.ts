import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { Brief } from "../../engine/claims/brief.js";
import { underLimit } from "../processes/limit.js";
import { RunningAttempt, refused, type Report } from "../loop/attempt.js";
import type { McpPool } from "../mcp/pool.js";
import { type Redactor, SAID_CHARS_MAX, ToolFailure } from "../mcp/server.js";

export interface ToolAttemptParts {
  readonly pool: McpPool;
  /** The largest result that a task may have, in bytes. */
  readonly resultBytesMax: number;
}

type Called = NonNullable<Brief["spec"]["tool"]>;

const KEPT_CHARS_MAX = 8 * 1024;

/** One attempt at a tool step: one call of one tool of another MCP server. */
export class ToolAttempt extends RunningAttempt {
  readonly #parts: ToolAttemptParts;
  readonly #abort = new AbortController();

  constructor(brief: Brief, parts: ToolAttemptParts) {
    super(brief);
    this.#parts = parts;
  }

  protected interrupt(why: string): void {
    this.#abort.abort(new Error(why));
  }

  protected async execute(): Promise<Report> {
    const { tool: call } = this.brief.spec;
    if (call === undefined) return refused("invalid_input", "the step names no tool");
    const limit = this.timeLimit();
    const { pool } = this.#parts;
    if (this.stoppedBecause !== undefined) return refused("cancelled", this.stoppedBecause);
    this.markBegun();
    try {
      const answer = await underLimit({ ms: limit.ms, signal: this.#abort.signal }, (signal) =>
        pool.call(call.server, call, signal),
      );
      return this.#reportOf(answer, call);
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      // The first of the two signals has given its reason.
      if (error.type === "cancelled") return refused("cancelled", this.stoppedBecause ?? error.message);
      if (error.type === "timeout") return limit.report;
      const failed = { type: error.type, message: error.message };
      return { kind: "fail", error: failed, ...(error.retryable ? {} : { retryable: false }) };
    }
  }

  #reportOf({ isError, content, structuredContent }: CallToolResult, { server, tool }: Called): Report {
    const name = `${server}/${tool}`;
    const redactor = this.#parts.pool.redactor(server);
    const said = textOf(content);
    if (isError === true) {
      const message = `${name} answered with an error${said === "" ? "" : `: ${redactor.start(said, SAID_CHARS_MAX)}`}`;
      return { kind: "fail", error: { type: "tool_error", message }, ...keptOf(said, redactor) };
    }
    const result: unknown = structuredContent ?? content;
    const bytes = Buffer.byteLength(JSON.stringify(result));
    const max = this.#parts.resultBytesMax;
    if (bytes > max) {
      const message = `${name} answered with ${bytes} bytes, a result has at most ${max}: ask the tool for less, or let it write a file`;
      return { ...refused("result_too_large", message), ...keptOf(said, redactor) };
    }
    const unfit = (message: string): Report => ({
      kind: "fail",
      error: { type: "invalid_output", message },
      partial: result,
    });
    return { kind: "complete", result, unfit };
  }
}

/** The texts of an answer. */
function textOf(content: CallToolResult["content"]): string {
  return content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** Returns the part of an invalid answer that is kept for a person to read. */
function keptOf(said: string, redactor: Redactor): { partial?: unknown } {
  if (said === "") return {};
  return { partial: { text: redactor.start(said, KEPT_CHARS_MAX), truncated: said.length > KEPT_CHARS_MAX } };
}
