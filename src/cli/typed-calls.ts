// Types alone: the command line does not load the registry at its start.
import type { InputOf, OperationName, ResultOf } from "../tools/registry.js";

/** Calls an operation with the types of its literal. A person's secret that it needs is asked until the signal fires. */
export type TypedCall = <N extends OperationName>(
  name: N,
  input: InputOf<N>,
  signal?: AbortSignal,
) => Promise<ResultOf<N>>;

export type RunAnswer = ResultOf<"get_run">["run"];
export type BudgetAnswer = NonNullable<ResultOf<"get_run">["budget"]>;
export type TaskAnswer = ResultOf<"get_run">["ready"][number];
export type BlockedAnswer = ResultOf<"get_run">["dead_letter"][number];
export type EventAnswer = ResultOf<"list_events">["events"][number];
export type AttemptAnswer = ResultOf<"get_dead_letter">["attempts"][number];
export type QuestionAnswer = ResultOf<"list_escalations">["escalations"][number];
