import { iso } from "../../base/time.js";
import { isSilent } from "./presence.js";
import type { Agent } from "../../store/agents/agents.js";

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
  };
}
