import { microsOf } from "../../base/money.js";
import { conversationKey, handleOf } from "../../base/names.js";
import { lockRun, lockUsageExport } from "../../store/lock-order.js";
import { agentsOfSessions, sessionsOfConversation } from "../../store/presence/sessions.js";
import type { Tx } from "../../store/tx.js";
import {
  type AgentWork,
  isReported,
  makeUsageExport,
  saveUsageExport,
  type UsageAmounts,
  type ExportLedger,
  worksOf,
} from "../../store/usage/exports.js";
import { findAgent } from "../../store/agents/agents.js";
import type { EngineContext } from "../context.js";
import type { PricedUsage } from "../usage/usage.js";
import { combined, EMPTY_LEDGER, type ExportedUsage, isNothing, unbooked, withExport } from "./export-ledger.js";
import { payFor } from "./recording.js";

/** Exports of one conversation and model that are booked to one attempt, or to an agent that had none then. */
export interface ExportBatch {
  /** The conversation, with the agent where the client names one. */
  readonly session: string;
  readonly model: string;
  readonly agent: string;
  readonly project: string | null;
  readonly work: AgentWork | undefined;
  readonly usages: readonly ExportedUsage[];
}

export interface AssignedExports {
  readonly batches: readonly ExportBatch[];
  readonly rejected: number;
  /** Why the last one was rejected. */
  readonly why: string | undefined;
}

/**
 * Finds whom exports are booked to: the agent that the client is said to be, else the one that works over its conversation; and the
 * attempt that it was at then. `permitted` are the agents that the sender may act as; null: any. A query.
 */
export function* assignExports(
  usages: readonly ExportedUsage[],
  permitted: readonly string[] | null,
): Tx<AssignedExports> {
  const senders = new Map<string, Sender | string>();
  const batches = new Map<string, ExportBatch & { usages: ExportedUsage[] }>();
  let rejected = 0;
  let why: string | undefined;
  for (const usage of usages) {
    const who = JSON.stringify(usage.agent === undefined ? [usage.session] : [null, usage.agent]);
    const sender = senders.get(who) ?? (yield* senderOf(usage, permitted));
    senders.set(who, sender);
    const session = conversationKey(usage.session);
    if (typeof sender === "string" || session === null) {
      rejected += 1;
      why = typeof sender === "string" ? sender : NO_SESSION;
      continue;
    }
    const work = workAt(sender.works, usage);
    // A conversation has a ledger for each agent that its exports name, so that one agent cannot fill another's.
    const ledger = usage.agent === undefined ? session : `${session}\n${usage.agent}`;
    const key = JSON.stringify([ledger, usage.model, work?.task ?? sender.agents[0], work?.attempt]);
    const batch = batches.get(key) ?? { ...startOf({ session: ledger, work, sender }), model: usage.model, usages: [] };
    batch.usages.push(usage);
    batches.set(key, batch);
  }
  return { batches: [...batches.values()], rejected, why };
}

/** The agents that a client may be, the likeliest first, and their attempts. */
interface Sender {
  readonly agents: readonly string[];
  readonly works: readonly AgentWork[];
}

const NO_SESSION = "session.id is no id.";
const NO_AGENT =
  "No agent works over this session.id: nothing was booked. Over HTTP, or where the client gives its servers no session, set OTEL_RESOURCE_ATTRIBUTES=baton.agent=HANDLE.";

/** The sender of an export, or why there is none. */
function* senderOf({ session, agent }: ExportedUsage, permitted: readonly string[] | null): Tx<Sender | string> {
  const found = agent === undefined ? yield* agentsOfConversation(session) : (yield* findAgent(agent)) ? [agent] : [];
  if (found.length === 0) return agent === undefined ? NO_AGENT : `There is no agent ${agent}: nothing was booked.`;
  const agents = permitted === null ? found : found.filter((name) => permitted.includes(name));
  if (agents.length === 0) return "This token may not act as the agent of this session: nothing was booked.";
  return { agents, works: yield* worksOf(agents) };
}

const AGENTS_MAX = 20;

function* agentsOfConversation(id: string): Tx<string[]> {
  const key = conversationKey(id);
  const sessions = key === null ? [] : yield* sessionsOfConversation(key);
  if (sessions.length === 0) return [];
  const found = yield* agentsOfSessions(sessions.map((session) => session.id));
  const own = sessions.map(({ id: session, client, clientSession }) => handleOf(client, clientSession ?? session));
  return [...new Set([...found, ...own])].slice(0, AGENTS_MAX);
}

/** The attempt that an agent was at: of those that overlap the time of the usage the one that began last. */
function workAt(works: readonly AgentWork[], { from, at }: ExportedUsage): AgentWork | undefined {
  return works
    .filter(({ startedAt, endedAt }) => startedAt <= at && (endedAt === null || endedAt >= from))
    .toSorted((a, b) => b.startedAt - a.startedAt)[0];
}

function startOf({ session, work, sender }: { session: string; work: AgentWork | undefined; sender: Sender }) {
  const newest = sender.works.toSorted((a, b) => b.startedAt - a.startedAt)[0];
  return { session, work, agent: work?.agent ?? sender.agents[0] ?? "", project: (work ?? newest)?.project ?? null };
}

/** Books what a batch says anew, and charges budgets like usage that an agent reports. Again it books nothing. */
export function* bookExports(ctx: EngineContext, batch: ExportBatch): Tx<void> {
  const { session, model, work, agent } = batch;
  yield* makeUsageExport({ session, model, ledger: EMPTY_LEDGER, updatedAt: ctx.now });
  const before = yield* lockUsageExport(session, model);
  const told = batch.usages.reduce(withExport, before);
  const due = unbooked(told);
  const ledger = { ...told, booked: combined(told.booked, due, (a, b) => a + b) };
  yield* saveUsageExport({ session, model, ledger, updatedAt: ctx.now });
  // The agent's own report of the attempt has all of it.
  if (isNothing(due) || (work !== undefined && (yield* isReported(work)))) return;
  const usage = priced(ctx, { model, due, ledger });
  if (usage === undefined) return;
  const run = (work && (yield* lockRun(work.run))) ?? null;
  const subject = { run: run?.id ?? null, task: work?.task ?? null, attempt: work?.attempt ?? null };
  const record = { ...usage, ...subject, project: batch.project, agent, role: work?.role ?? null, exported: true };
  yield* payFor(ctx, run, record);
}

interface Unpriced {
  readonly model: string;
  readonly due: UsageAmounts;
  readonly ledger: ExportLedger;
}

/** A person's own price goes before the client's estimate by list prices, and that before this program's. */
function priced({ prices, now }: EngineContext, { model, due, ledger }: Unpriced): PricedUsage | undefined {
  const { cost, ...tokens } = due;
  const counts = {
    model,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cachedTokens: tokens.cached,
    cacheWriteTokens: tokens.cacheWrite,
  };
  const price = prices?.priceOf(model, tokens, now);
  const micros = price && microsOf(price.input + price.output);
  const isCostTold = ledger.metrics.cost > 0 || ledger.events.cost > 0;
  const hasTokens = !isNothing({ ...due, cost: 0 });
  if (price?.source === "own_price" || !isCostTold) {
    if (!hasTokens) return undefined;
    return { ...counts, cost: micros ?? 0, price: price?.source ?? "unknown" };
  }
  return { ...counts, cost, price: "list_price" };
}
