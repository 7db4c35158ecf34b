import { iso } from "../../base/time.js";
import { isSilent } from "./presence.js";
import type { Agent } from "../../store/agents/agents.js";

/** The status and load that an agent last told in a heartbeat. */
function reportOf(note: string): { status: string | null; load: number | null } {
  // The heartbeat writes this very object.
  return JSON.parse(note) as { status: string | null; load: number | null };
}

export function agentView(agent: Agent) {
  return {
    id: agent.name,
    name: agent.name,
    status: agent.status,
    capabilities: agent.capabilities,
    roles: agent.roles,
    max_concurrent_tasks: agent.maxConcurrentTasks,
    registered_at: iso(agent.registeredAt),
    seen_at: iso(agent.seenAt),
    ...(isSilent(agent) ? { silent_since: iso(agent.seenAt) } : {}),
    profile: { ...agent.profile },
    ...(agent.loadNote === null ? {} : { reported: reportOf(agent.loadNote) }),
  };
}
