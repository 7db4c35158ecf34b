import { listAgentPage } from "../engine/presence/agent-queries.js";
import { agentView } from "../engine/agents/views.js";
import { type FixedResource, isNote, LISTED_MAX } from "./resource.js";

export const agents: FixedResource = {
  uri: "baton://agents",
  name: "agents",
  title: "Agents",
  description:
    "Every agent by name: its roles and capabilities, how many tasks it runs, whether it is free. The first 200; list_agents pages and filters.",
  *read(ctx) {
    const page = yield* listAgentPage(ctx, { limit: LISTED_MAX });
    const lines = page.agents.map(({ agent, running, available }) => ({ ...agentView(agent), running, available }));
    return { agents: lines, ...page.next };
  },
  changedBy: (change) => change.type.startsWith("agent.") || (change.task !== null && !isNote(change)),
};
