import type { Tx } from "../store/tx.js";
import { actingAgent } from "./agents.js";
import type { EngineContext } from "./context.js";

/** The context in which a named agent acts instead of the connection's own. Registers an unknown one, as `actingAgent` does. */
export function* actingAs(ctx: EngineContext, handle?: string): Tx<EngineContext> {
  const agent = yield* actingAgent(ctx, handle);
  return { ...ctx, caller: { ...ctx.caller, agent: agent.name } };
}
