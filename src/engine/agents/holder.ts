import { findDemand } from "../../store/scheduling/lanes.js";
import type { Task, TaskAndSpec } from "../../store/tasks/tasks.js";
import type { Tx } from "../../store/tx.js";
import { BatonError } from "../../base/errors.js";
import type { EngineContext } from "../context.js";
import { isExcluded } from "../scheduling/demands.js";
import { partiesOf, withTasksWorkedOn } from "./parties.js";

// A token is the key to a task's attempt: it is told to the holder alone, and cannot be guessed.

/** The agent of an attempt, and the connection it was last heard of over. */
export interface AttemptHolder extends Pick<Task, "agent" | "session"> {}

/** The handle that a call gives, if it gives one. */
export interface GivenHandle {
  readonly agent?: string | undefined;
}

/** The maker of a call with a task's token that was not its holder: the handle, where it is another, and the session likewise. */
export interface OtherCaller {
  readonly by?: string;
  readonly by_session?: string | null;
}

/** Returns the maker of a call with a task's token for the history, and nothing where it is the holder. */
export function callerOf(
  { caller }: EngineContext,
  { agent, session }: AttemptHolder,
  given: GivenHandle,
): OtherCaller {
  const [handle, own] = [given.agent ?? caller.agent, caller.session?.id ?? null];
  return { ...(handle === agent ? {} : { by: handle }), ...(own === session ? {} : { by_session: own }) };
}

/**
 * Refuses a call with a task's token that names another agent than the holder, and one over another connection where that worked on what
 * the task checks. A caller that comes with the token from elsewhere takes the lease along otherwise. Errors: `not_permitted`.
 */
export function* requireHolder(
  ctx: EngineContext,
  { task, spec, holder }: TaskAndSpec & { readonly holder: AttemptHolder },
  { agent }: GivenHandle,
): Tx<void> {
  const subjects = ctx.caller.access?.agents ?? null;
  if (subjects !== null && !subjects.includes(holder.agent ?? ""))
    throw anotherHolder(task, holder, agent ?? ctx.caller.agent);
  if (agent !== undefined && agent !== holder.agent) throw anotherHolder(task, holder, agent);
  const own = ctx.caller.session?.id ?? null;
  if (spec.not_by === undefined || (own !== null && own === holder.session)) return;
  if (yield* isBarred(ctx, task, agent ?? ctx.caller.agent)) throw barredConnection(task, spec.not_by);
}

function* isBarred({ caller }: EngineContext, { demand: id }: Task, agent: string): Tx<boolean> {
  const demand = yield* findDemand(id);
  if (demand === undefined || demand.notBy.length === 0) return false;
  const offer = { agent, parties: partiesOf(agent, caller) };
  return isExcluded(yield* withTasksWorkedOn(offer, [demand]), demand);
}

function anotherHolder(task: Task, { agent }: AttemptHolder, by: string): BatonError {
  const holds = task.status === "running" ? "is held by" : "was held by";
  const message = `Task ${task.key} (${task.id}) ${holds} ${agent ?? "another agent"}, and this call acts as ${by}. Only the holder reports on its attempt. Nothing was changed.`;
  return new BatonError("not_permitted", message, {
    details: { task: task.id, status: task.status, held_by: agent, agent: by },
    next: [
      { tool: "get_task", arguments: { task: task.id } },
      { tool: "claim_task", arguments: { run: task.run } },
    ],
  });
}

function barredConnection(task: Task, keys: readonly string[]): BatonError {
  const message = `Task ${task.key} (${task.id}) is not for who worked on ${keys.join(", ")} (not_by), and this connection did: ${task.agent ?? "its holder"} goes on with it over its own. Nothing was changed.`;
  return new BatonError("not_permitted", message, {
    details: { task: task.id, held_by: task.agent, not_by: keys },
    // Without fresh the claim would go on with the same task.
    next: [{ tool: "claim_task", arguments: { run: task.run, fresh: true } }],
  });
}
