import { isAnySilent } from "../../store/agents/agents.js";
import { findWant, saveWant, type Wanted } from "../../store/presence/wants.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { Offer } from "../scheduling/demands.js";

/** How long an empty claim or a denied request counts as wanting. */
export const WANT_MS = 60_000;

/** Notes that an agent's claim found nothing, where a silent agent may hold what it wants. A call in the middle of its time renews it. */
export function* wantWork(
  ctx: EngineContext,
  { offer, project, run }: { readonly offer: Offer; readonly project: string; readonly run?: string | undefined },
): Tx<void> {
  if (!(yield* isAnySilent(offer.agent))) return;
  const wanted = { roles: [...offer.roles], capabilities: [...offer.capabilities], ...(run !== undefined && { run }) };
  yield* want(ctx, { agent: offer.agent, kind: "work", project, wanted });
}

/** Whether a claim that waits has yet to be noted so, or will soon be forgotten. A query. */
export function* wantsUnnoted(ctx: EngineContext, agent: string): Tx<boolean> {
  if (!(yield* isAnySilent(agent))) return false;
  const known = yield* findWant(agent, "work");
  return known === undefined || known.until - ctx.now < WANT_MS / 2;
}

export interface WantedFiles {
  readonly agent: string;
  readonly project: string;
  readonly paths: NonNullable<Wanted["paths"]>;
}

/** Notes that an agent was denied files that a silent agent holds. */
export function* wantFiles(ctx: EngineContext, { agent, project, paths }: WantedFiles): Tx<void> {
  yield* want(ctx, { agent, kind: "files", project, wanted: { paths } });
}

function* want(
  ctx: EngineContext,
  wanted: {
    readonly agent: string;
    readonly kind: "work" | "files";
    readonly project: string;
    readonly wanted: Wanted;
  },
): Tx<void> {
  yield* saveWant({ ...wanted, since: ctx.now, until: ctx.now + WANT_MS });
}
