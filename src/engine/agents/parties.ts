import type { ProjectConfig } from "../../store/projects/projects.js";
import type { Demand } from "../../store/scheduling/lanes.js";
import { workedOn } from "../../store/tasks/workers.js";
import type { Tx } from "../../store/tx.js";
import type { Offer } from "../scheduling/demands.js";

/** A connection to an agent: its server process, and the identity that its client gives the conversation. */
export interface CallerConnection {
  readonly session: { readonly id: string } | null;
  readonly clientSession: string | null;
}

/** The agent and its connection, in the form of `Demand.notBy`. */
export function partiesOf(agent: string, { session, clientSession }: CallerConnection): ReadonlySet<string> {
  const parties = [`agent:${agent}`];
  if (session !== null) parties.push(`session:${session.id}`);
  if (clientSession !== null) parties.push(`client:${clientSession}`);
  return new Set(parties);
}

/** The agent and its connection, or the agent alone where its project tells agents apart by handle. */
export function ownParties(
  { reviewers }: Pick<ProjectConfig, "reviewers">,
  agent: string,
  connection: CallerConnection,
) {
  return partiesOf(agent, reviewers === "handle" ? { session: null, clientSession: null } : connection);
}

const PREFIXES = ["task:", "handle:"] as const;

/**
 * Adds to an offer the tasks that its agent worked on, as far as demands name them: those of not_by that have not ended. Reads nothing
 * where no demand names one.
 */
export function* withTasksWorkedOn<T extends Pick<Offer, "agent" | "parties">>(
  offer: T,
  demands: readonly Pick<Demand, "notBy">[],
): Tx<T> {
  const named = new Set(demands.flatMap(({ notBy }) => notBy));
  const worked: string[] = [];
  for (const prefix of PREFIXES) {
    const tasks = [...named].flatMap((party) => (party.startsWith(prefix) ? [party.slice(prefix.length)] : []));
    if (tasks.length === 0) continue;
    const byHandle = prefix === "handle:";
    const [session, clientSession] = byHandle ? [null, null] : [partOf(offer, "session:"), partOf(offer, "client:")];
    const by = { agent: offer.agent, session, clientSession };
    worked.push(...(yield* workedOn(tasks, by)).map((task) => `${prefix}${task}`));
  }
  return worked.length === 0 ? offer : { ...offer, parties: new Set([...offer.parties, ...worked]) };
}

function partOf({ parties }: Pick<Offer, "parties">, prefix: "session:" | "client:"): string | null {
  return [...parties].find((party) => party.startsWith(prefix))?.slice(prefix.length) ?? null;
}
