import type { NotedChanges } from "../engine/effect.js";

/** How a call has come, and what its caller says of the trace that it belongs to. */
export interface CallOrigin {
  readonly transport: "stdio" | "mcp_http" | "rest";
  /** As W3C Trace Context has it; read only where traces are exported. */
  readonly traceparent?: string | undefined;
}

export interface TracedCall {
  /** The operation's own name, whatever alias it was called by. */
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly agent: string;
  readonly origin?: CallOrigin | undefined;
}

/** Makes a span of each call. Nothing of it throws or waits. */
export interface CallTracer {
  begin(call: TracedCall): CallSpan;
}

export interface CallSpan {
  /** Takes what a transaction of the call changes. It is filled while that runs, and read at the end of the call. */
  note(changes: NotedChanges): void;
  end(outcome: CallOutcome): void;
}

export interface CallOutcome {
  readonly result?: Readonly<Record<string, unknown>>;
  /** The code of the error that it ended with. */
  readonly error?: string;
}
