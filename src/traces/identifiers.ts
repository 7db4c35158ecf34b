import { createHash } from "node:crypto";
import { randomHex } from "../runtime/random.js";

/** A span of any process, as another refers to it. */
export interface SpanReference {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;

/** The span of a run. Every process finds it by the run's id alone. */
export function spanOfRun(run: string): SpanReference {
  return { traceId: digest(`trace ${run}`, TRACE_ID_BYTES), spanId: digest(`run ${run}`, SPAN_ID_BYTES) };
}

/** The trace of a task that no ending run holds together: those of a project that were made one by one. */
export function traceOfLoneTask(task: string): string {
  return digest(`trace ${task}`, TRACE_ID_BYTES);
}

/** The id of an attempt's span. */
export function spanIdOfAttempt(task: string, token: number): string {
  return digest(`attempt ${task} ${token}`, SPAN_ID_BYTES);
}

export function newTraceId(): string {
  return randomHex(TRACE_ID_BYTES);
}

export function newSpanId(): string {
  return randomHex(SPAN_ID_BYTES);
}

function digest(text: string, bytes: number): string {
  return createHash("sha256")
    .update(text)
    .digest("hex")
    .slice(0, 2 * bytes);
}

/** A caller's span, and whether its trace is recorded. */
export interface CallerSpan extends SpanReference {
  readonly isSampled: boolean;
}

// A later version may add fields behind these four; ff is none.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const TRACEPARENT_CHARS_MAX = 256;

/** Reads W3C `traceparent`; undefined where it says nothing that counts. */
export function callerSpan(text: string | undefined): CallerSpan | undefined {
  if (text === undefined || text.length > TRACEPARENT_CHARS_MAX) return undefined;
  const found = TRACEPARENT.exec(text);
  if (found === null || (text.startsWith("00") && text.length !== found[0].length)) return undefined;
  const [, traceId = "", spanId = "", flags = "00"] = found;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
