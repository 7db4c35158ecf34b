import type { EndedAttempt, NotedOutcome, RunUsage } from "../engine/effect.js";
import type { EndedSpan } from "./encoding.js";
import { spanIdOfAttempt, spanOfRun, type SpanReference, traceOfLoneTask } from "./identifiers.js";

type TracedRun = NotedOutcome["run"];

/** The trace of a task, and the span above its attempts. A run that never ends has none: each task of it is a trace. */
export function rootOf(run: Pick<TracedRun, "id" | "kind">, task: string): RootReference {
  return run.kind === "standing" ? { traceId: traceOfLoneTask(task), spanId: undefined } : spanOfRun(run.id);
}

export interface RootReference extends Pick<SpanReference, "traceId"> {
  readonly spanId: string | undefined;
}

const FAILED: ReadonlySet<string> = new Set(["failed", "timed_out", "lease_lost"]);

/**
 * The spans of a change of a run: its attempts that ended, and itself. The process that commits an end makes its span, so there is one,
 * also for an attempt whose own process has died.
 */
export function spansOf(outcome: NotedOutcome): EndedSpan[] {
  const { run, attempts, runEnded, usages, at } = outcome;
  const spans = attempts.map((attempt) => spanOfAttempt(run, attempt, { usages, at }));
  return runEnded && run.kind !== "standing" ? [...spans, spanOfEndedRun(outcome)] : spans;
}

function spanOfAttempt(
  run: TracedRun,
  attempt: EndedAttempt,
  { usages, at }: { readonly usages: readonly RunUsage[]; readonly at: number },
): EndedSpan {
  const { task, key, number, token, outcome, errorType } = attempt;
  const root = rootOf(run, task);
  const usage = usages.find((one) => one.task === task && one.attempt === number);
  return {
    traceId: root.traceId,
    spanId: spanIdOfAttempt(task, token),
    parentSpanId: root.spanId,
    name: `task ${key}`,
    kind: "internal",
    startAt: attempt.startedAt ?? at,
    endAt: at,
    isError: FAILED.has(outcome),
    attributes: {
      "baton.run.id": run.id,
      "baton.task.id": task,
      "baton.task.key": key,
      "baton.task.type": attempt.type,
      "baton.attempt.number": number,
      "baton.attempt.outcome": outcome,
      "gen_ai.agent.name": attempt.agent,
      "gen_ai.request.model": usage?.model,
      "gen_ai.usage.input_tokens": usage && usage.inputTokens + usage.cachedTokens + usage.cacheWriteTokens,
      "gen_ai.usage.output_tokens": usage?.outputTokens,
      "error.type": FAILED.has(outcome) ? (errorType ?? outcome) : undefined,
    },
  };
}

function spanOfEndedRun({ run, counters, at }: NotedOutcome): EndedSpan {
  const isFailed = run.status === "failed" || run.status === "compensated";
  return {
    ...spanOfRun(run.id),
    name: run.workflow === null ? "run" : `run ${run.workflow}`,
    kind: "internal",
    startAt: run.createdAt,
    endAt: run.endedAt ?? at,
    isError: isFailed,
    ...(run.parentRun !== null && { links: [spanOfRun(run.parentRun)] }),
    attributes: {
      "baton.run.id": run.id,
      "baton.run.status": run.status,
      "baton.run.mode": run.mode,
      "baton.run.tasks.succeeded": counters.succeeded,
      "baton.run.tasks.dead_letter": counters.dead_letter,
      "error.type": isFailed ? run.status : undefined,
    },
  };
}
