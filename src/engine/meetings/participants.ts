import { BatonError, callOperation } from "../../base/errors.js";
import { findAgent, listAgents } from "../../store/agents/agents.js";
import type { Tx } from "../../store/tx.js";
import { requireAgent } from "../agents/agents.js";
import { rolesOf } from "../channels/addresses.js";

const AGENTS_MAX = 200;
const SHOWN_MAX = 5;

/** Errors: `not_found` for an unknown agent; for the name of a role it says which agents have it. */
export function* requireParticipant(name: string): Tx<void> {
  if ((yield* findAgent(name))?.status === "active") return;
  const role = name.replace(/^role:/, "");
  const having = (yield* listAgents({ limit: AGENTS_MAX })).filter((agent) => rolesOf(agent).includes(role));
  if (having.length === 0) {
    yield* requireAgent(name);
    return;
  }
  const handles = having.slice(0, SHOWN_MAX).map((agent) => agent.name);
  const message = `participants: there is no agent "${name}". The role ${role} is that of ${handles.join(", ")}: name participants by their handles. Nothing was done.`;
  throw new BatonError("not_found", message, {
    details: { path: "participants", agent: name, handles },
    next: [callOperation("list_agents", { role })],
  });
}
