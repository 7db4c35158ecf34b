import {
  askedByTasks,
  BEHIND,
  newestReferences,
  offeredByAgents,
  type Offered,
  type Referable,
} from "../../store/system/references.js";
import { agentNames } from "../../store/agents/agents.js";
import type { Tx } from "../../store/tx.js";

/** More than a client is shown at once, so that it can be said that there are more. */
const SUGGESTED_MAX = 101;
/** Names are not indexed by how they begin: so many of the newest entities are looked at. */
const LOOKED_AT_MAX = 1_000;

/** Ids of runs that begin with the text, or whose name does; newest first. */
export function* suggestRuns(prefix: string): Tx<string[]> {
  return (yield* beginning("run", prefix)).map(({ id }) => id);
}

/** Ids of tasks that begin with the text, or whose key or title does; newest first. */
export function* suggestTasks(prefix: string): Tx<string[]> {
  return (yield* beginning("task", prefix)).map(({ id }) => id);
}

/** Ids of artifacts that begin with the text, or whose name does; newest first. */
export function* suggestArtifacts(prefix: string): Tx<string[]> {
  return (yield* beginning("artifact", prefix)).map(({ id }) => id);
}

/** Names of projects that begin with the text, and ids where it begins an id; newest first. */
export function* suggestProjects(prefix: string): Tx<string[]> {
  return (yield* beginning("project", prefix)).map(({ id, names }) => names.find(begins(prefix)) ?? id);
}

/** Handles of agents that begin with the text, the latest seen first. */
export function* suggestAgents(prefix: string): Tx<string[]> {
  return (yield* agentNames(LOOKED_AT_MAX)).filter(begins(prefix)).slice(0, SUGGESTED_MAX);
}

/** Roles that agents offer, the latest seen first, then those that tasks ask for. */
export function* suggestRoles(prefix: string): Tx<string[]> {
  return (yield* offers())
    .flatMap(({ roles }) => roles)
    .filter(firstOnes(prefix))
    .slice(0, SUGGESTED_MAX);
}

/** Capabilities that agents have, the latest seen first, then those that tasks ask for. */
export function* suggestCapabilities(prefix: string): Tx<string[]> {
  return (yield* offers())
    .flatMap(({ capabilities }) => capabilities)
    .filter(firstOnes(prefix))
    .slice(0, SUGGESTED_MAX);
}

function* offers(): Tx<Offered[]> {
  return [...(yield* offeredByAgents(LOOKED_AT_MAX)), ...(yield* askedByTasks(LOOKED_AT_MAX))];
}

function* beginning(kind: Referable, prefix: string) {
  // A range of ids finds any entity, however old; names are sought among the newest.
  const byId = `${kind}_`.startsWith(prefix) || prefix.startsWith(`${kind}_`);
  const inRange = byId ? yield* newestReferences(kind, `${prefix}${BEHIND}`, SUGGESTED_MAX) : [];
  const newest = prefix === "" ? [] : yield* newestReferences(kind, BEHIND, LOOKED_AT_MAX);
  const found = new Map(
    [
      ...inRange.filter(({ id }) => id.startsWith(prefix)),
      ...newest.filter(({ names }) => names.some(begins(prefix))),
    ].map((reference) => [reference.id, reference]),
  );
  return [...found.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, SUGGESTED_MAX);
}

function begins(prefix: string): (name: string) => boolean {
  const folded = prefix.toLowerCase();
  return (name) => name.toLowerCase().startsWith(folded);
}

/** Passes each value that begins with the text once. */
function firstOnes(prefix: string): (value: string) => boolean {
  const seen = new Set<string>();
  const wanted = begins(prefix);
  return (value) => {
    if (seen.has(value) || !wanted(value)) return false;
    seen.add(value);
    return true;
  };
}
