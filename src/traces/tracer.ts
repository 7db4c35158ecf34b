import type { CallOutcome, CallSpan, CallTracer, TracedCall } from "../dispatch/tracing.js";
import type { NotedChanges } from "../engine/effect.js";
import { isObject } from "../base/json.js";
import { RUN_ID } from "../base/names.js";
import type { Logger } from "../runtime/logger.js";
import { exportTarget } from "./environment.js";
import { SpanExporter } from "./exporter.js";
import {
  type CallerSpan,
  callerSpan,
  newSpanId,
  newTraceId,
  spanIdOfAttempt,
  spanOfRun,
  type SpanReference,
} from "./identifiers.js";
import { rootOf, type RootReference, spansOf } from "./run-spans.js";

export interface TracerParts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Names this process among others of the service. */
  readonly instance: string;
  readonly logger: Logger;
}

/** Makes spans of calls and of what they and background work have changed, and hands them to the exporter. */
export class Tracer implements CallTracer {
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  begin(call: TracedCall): CallSpan {
    const caller = callerSpan(call.origin?.traceparent);
    return caller?.isSampled === false ? UNRECORDED : new OperationSpan(this.#exporter, call, caller);
  }

  /** Takes what a transaction has changed of runs. */
  changed({ outcomes }: NotedChanges): void {
    for (const outcome of outcomes) for (const span of spansOf(outcome)) this.#exporter.add(span);
  }

  close(withinMs: number): Promise<void> {
    return this.#exporter.close(withinMs);
  }
}

/** The tracer of this process; undefined where the environment asks for none, or in a way that is answered with a warning. */
export function tracerFrom({ env, version, instance, logger }: TracerParts): Tracer | undefined {
  try {
    const target = exportTarget(env);
    if (target === undefined) return undefined;
    const resource = { "service.version": version, "service.instance.id": instance, ...target.resource };
    return new Tracer(new SpanExporter({ target: { ...target, resource }, version, logger }));
  } catch (error) {
    logger.warn(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

const UNRECORDED: CallSpan = { note: () => {}, end: () => {} };

const METHOD = { stdio: "tools/call", mcp_http: "tools/call", rest: undefined } as const;

class OperationSpan implements CallSpan {
  readonly #exporter: SpanExporter;
  readonly #call: TracedCall;
  readonly #caller: CallerSpan | undefined;
  readonly #startAt = performance.timeOrigin + performance.now();
  #noted: NotedChanges | undefined;

  constructor(exporter: SpanExporter, call: TracedCall, caller: CallerSpan | undefined) {
    this.#exporter = exporter;
    this.#call = call;
    this.#caller = caller;
  }

  note(changes: NotedChanges): void {
    // Of several transactions the first that concerns a run says which.
    if (this.#noted === undefined || this.#noted.runs.length === 0) this.#noted = changes;
  }

  end({ result, error }: CallOutcome): void {
    const { operation, agent, origin } = this.#call;
    const method = origin && METHOD[origin.transport];
    const work = this.#work(result);
    const parent: RootReference = this.#caller ?? work.span ?? { traceId: newTraceId(), spanId: undefined };
    this.#exporter.add({
      traceId: parent.traceId,
      spanId: newSpanId(),
      parentSpanId: parent.spanId,
      name: method === undefined ? operation : `${method} ${operation}`,
      kind: origin === undefined ? "internal" : "server",
      startAt: this.#startAt,
      endAt: performance.timeOrigin + performance.now(),
      isError: error !== undefined,
      links: this.#caller === undefined ? [] : linkTo(work.span),
      attributes: {
        "mcp.method.name": method,
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": operation,
        "gen_ai.agent.name": agent,
        "network.transport": origin && (origin.transport === "stdio" ? "pipe" : "tcp"),
        "baton.run.id": work.run,
        "baton.task.id": work.task,
        "error.type": error,
      },
    });
  }

  /** The run and the task that the call is about, and the span that it belongs to: its attempt's, else its run's. */
  #work(result: CallOutcome["result"] = {}): TracedWork {
    const { input } = this.#call;
    const changed = this.#noted?.runs[0];
    const task = taskIdIn(result["task"]) ?? taskIdIn(input["task"]);
    const run = changed?.id ?? runIdIn(result["run"]) ?? runIdIn(input["run"]);
    if (run === undefined) return { task };
    const kind = changed?.kind ?? "workflow";
    if (task === undefined) return { run, span: kind === "standing" ? undefined : spanOfRun(run) };
    const root = rootOf({ id: run, kind }, task);
    const { token } = input;
    // With its token a call is made by the attempt itself.
    const span = typeof token === "number" ? { ...root, spanId: spanIdOfAttempt(task, token) } : root;
    return { run, task, span };
  }
}

interface TracedWork {
  readonly run?: string;
  readonly task?: string | undefined;
  readonly span?: RootReference | undefined;
}

function linkTo(span: RootReference | undefined): SpanReference[] {
  return span?.spanId === undefined ? [] : [{ traceId: span.traceId, spanId: span.spanId }];
}

const TASK_ID = /^task_[0-9a-z]{16}$/;

function taskIdIn(value: unknown): string | undefined {
  return idIn(value, TASK_ID);
}

function runIdIn(value: unknown): string | undefined {
  return idIn(value, RUN_ID);
}

/** An id, or the `id` of what is shown. */
function idIn(value: unknown, form: RegExp): string | undefined {
  const id = isObject(value) ? value["id"] : value;
  return typeof id === "string" && form.test(id) ? id : undefined;
}
