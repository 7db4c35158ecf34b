import { bytesBeside } from "../../store/artifacts/contents.js";
import * as store from "../../store/system/quotas.js";
import type { Tx } from "../../store/tx.js";
import { BatonError, type NextCall } from "../../base/errors.js";
import type { EngineContext } from "../context.js";

/** The quota of its agent that an operation uses beside bytes; `nothing`: it gives back or reports, and is never refused. */
export type QuotaUse = "tasks" | "locks" | "nothing";

export interface QuotaCall {
  /** The agent that acts. */
  readonly agent: string;
  readonly use: QuotaUse | undefined;
}

/**
 * Does the work of a call within the quotas that the operator has set for each agent; without any, only that. An agent is counted
 * with all handles of its connection, so that another name gives no more. People and executors have no quota.
 * Errors: `limit_exceeded` with the quota, the use and the way out; the transaction is then taken back whole.
 */
export function withinQuotas<T>(ctx: EngineContext, call: QuotaCall, work: () => Tx<T>): Tx<T> {
  const { agent_locks_max, agent_open_tasks_max, agent_bytes_per_hour_max } = ctx.settings;
  const isLimited = agent_locks_max + agent_open_tasks_max + agent_bytes_per_hour_max > 0;
  return isLimited && ctx.caller.channel === "agent" ? limited(ctx, call, work) : work();
}

function* limited<T>(ctx: EngineContext, call: QuotaCall, work: () => Tx<T>): Tx<T> {
  const quota = quotaOf(ctx, call);
  const before = quota === undefined ? 0 : yield* quota.used();
  let bytes = 0;
  const result = yield* store.metered(
    work(),
    (statement) => (bytes += store.bytesWritten(statement) + bytesBeside(statement)),
  );
  if (ctx.settings.agent_bytes_per_hour_max > 0 && bytes > 0) yield* countBytes(ctx, call, bytes);
  if (quota === undefined) return result;
  const used = yield* quota.used();
  // A call that takes no more than there was is let through: the operator may have lowered the quota.
  if (used > quota.max && used > before) throw quota.exceeded(before, used - before);
  return result;
}

interface Quota {
  readonly max: number;
  readonly used: () => Tx<number>;
  readonly exceeded: (used: number, more: number) => BatonError;
}

function quotaOf(ctx: EngineContext, { agent, use }: QuotaCall): Quota | undefined {
  const party = { agent, session: ctx.caller.session?.id ?? "" };
  const { agent_locks_max: locks, agent_open_tasks_max: tasks } = ctx.settings;
  if (use === "locks" && locks > 0) {
    const way =
      "Release some (release_file_lock), lock a directory or a glob instead of its files, or work with fewer at once.";
    const next = [{ tool: "query_operation", arguments: { name: "list_file_locks", arguments: { agent } } }];
    return quotaFor({
      name: "agent_locks_max",
      max: locks,
      noun: "file locks",
      way,
      next,
      used: () => store.locksOf(party),
    });
  }
  if (use === "tasks" && tasks > 0) {
    const way = "Finish or cancel some of them first, or plan in smaller parts.";
    const next = [{ tool: "query_operation", arguments: { name: "list_runs", arguments: { status: "running" } } }];
    return quotaFor({
      name: "agent_open_tasks_max",
      max: tasks,
      noun: "open tasks",
      way,
      next,
      used: () => store.openTasksOf(party),
    });
  }
  return undefined;
}

interface Worded {
  readonly name: "agent_locks_max" | "agent_open_tasks_max";
  readonly max: number;
  readonly noun: string;
  readonly way: string;
  readonly next: NextCall[];
  readonly used: () => Tx<number>;
}

function quotaFor({ name, max, noun, way, next, used }: Worded): Quota {
  return {
    max,
    used,
    exceeded: (had, more) => {
      const message = `You have ${had} ${noun}, this call adds ${more}, and the quota of each agent is ${max}. Nothing was done. ${way} ${RAISE(name)}`;
      return new BatonError("limit_exceeded", message, { details: { quota: name, used: had, added: more, max }, next });
    },
  };
}

/** Names the person, and the places, that raise a quota. */
const RAISE = (name: string): string =>
  `A person can raise it: baton call configure with ${name}, or BATON_${name.toUpperCase()}.`;

const HOUR_MS = 3_600_000;

function* countBytes(ctx: EngineContext, { agent, use }: QuotaCall, bytes: number): Tx<void> {
  const { agent_bytes_per_hour_max: max } = ctx.settings;
  const hour = Math.floor(ctx.now / HOUR_MS);
  const connection = ctx.caller.session?.id ?? `host:${ctx.caller.host}`;
  const used = yield* store.addWrittenBytes([`agent:${agent}`, `connection:${connection}`], hour, bytes);
  if (used === bytes) yield* store.forgetWrittenBytes(hour);
  if (used <= max || use === "nothing") return;
  const after = (hour + 1) * HOUR_MS - ctx.now;
  const message =
    `You have written ${used - bytes} bytes in this hour, this call writes ${bytes}, and the quota of each agent is ${max}. Nothing was done. ` +
    `Write less (keep large results in files and name them), or try again in ${Math.ceil(after / 60_000)} minutes, when the next hour begins; ` +
    `release_task, fail_task and release_file_lock are taken meanwhile. ${RAISE("agent_bytes_per_hour_max")}`;
  const details = { quota: "agent_bytes_per_hour_max", used: used - bytes, added: bytes, max };
  throw new BatonError("limit_exceeded", message, { details, retry: { after_ms: after } });
}
