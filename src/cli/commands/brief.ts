import type { CommandAnswer, CommandContext, Shared } from "../command.js";
import { findRun } from "../run/run-reference.js";

export interface BriefOptions extends Shared {
  readonly tokens?: number;
}

/** `baton brief [RUN] [STEP]` */
export async function brief(
  { call }: CommandContext,
  ...[reference, step, { tokens }]: [run: string | undefined, step: string | undefined, options: BriefOptions]
): Promise<CommandAnswer> {
  const run = await findRun(call, reference);
  const about = step === undefined ? { run: run.id } : { task: `${run.id}/${step}` };
  const found = await call("get_brief", { ...about, ...(tokens !== undefined && { max_tokens: tokens }) });
  return { data: found, text: found.brief };
}
