import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { requireTask } from "../lookup.js";
import { type Estimate, Estimator } from "./estimates.js";
import { stepKey } from "../steps/task-type.js";
import { pastWork } from "./history.js";
import { Pricing } from "./pricing.js";
import type { Size } from "./prior.js";

export interface EstimateQuery extends Size {
  readonly task?: string | undefined;
  readonly role?: string | undefined;
  readonly type?: string | undefined;
  readonly model?: string | undefined;
}

export interface TaskEstimate extends Estimate {
  readonly role: string | null;
  readonly type: string | undefined;
  /** Past tasks that were read, of any kind. */
  readonly known: number;
}

const CHARS_PER_TOKEN = 4;

export function tokensOfText(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

/** Estimates a task: one that exists, or one of a role. Errors: `not_found`. */
export function* estimateTask(ctx: EngineContext, query: EstimateQuery): Tx<TaskEstimate> {
  const found = query.task === undefined ? undefined : yield* requireTask(query.task);
  const role = query.role ?? found?.task.role ?? null;
  const type = query.type ?? (found && stepKey(found.task.key));
  const prompt = found?.spec.prompt;
  const prompt_tokens = query.prompt_tokens ?? (prompt === undefined ? undefined : tokensOfText(prompt));
  const past = yield* pastWork(role === null ? [] : [role]);
  const estimate = new Estimator(past, new Pricing(ctx)).estimate({ ...query, role, type, prompt_tokens });
  return { ...estimate, role, type, known: past.length };
}
