import { callOperation } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { StoredEvent } from "../../store/events/history.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection } from "./fitting.js";
import { ago } from "./wording.js";
import { tasksById } from "./work.js";

const RANK = { held: 84, file: 74, artifact: 76, denied: 65 } as const;
const OWNERS_SHOWN_MAX = 5;

/** Returns the files that were locked for work and by whom, who holds them now, and the artifacts that were put. */
export function filesOf(facts: BriefFacts): BriefSection {
  const held = new Map(facts.locks.map(({ path, agent }) => [path, agent]));
  const touched = ownersOf(facts);
  const paths = [...new Set([...touched.keys(), ...held.keys()])];
  const files = paths.map((path, index): BriefEntry => {
    const owners = [...(touched.get(path) ?? [])];
    const now = held.get(path);
    const shown = owners.slice(-OWNERS_SHOWN_MAX).join(", then ");
    const state = now === undefined ? "" : `${shown === "" ? "" : "; "}held by ${now} now`;
    return {
      rank: (now === undefined ? RANK.file : RANK.held) - (paths.length - 1 - index) / 2,
      line: () => `${shownLine(path)}: ${shown}${state}`,
    };
  });
  const { run, about } = facts;
  return {
    title: "Files that were locked, and artifacts",
    entries: [...files, ...artifacts(facts), ...refusals(facts)],
    more: callOperation("list_events", {
      ...(about === undefined ? { run: run.id } : { task: about.task.id }),
      types: ["lock.granted", "lock.broken", "artifact.created"],
    }),
  };
}

/** The agents that locked each path in their order, with their tasks: as far as the history is read, else as the tasks declare. */
function ownersOf(facts: BriefFacts): ReadonlyMap<string, ReadonlySet<string>> {
  const tasks = tasksById(facts);
  const owners = new Map<string, Set<string>>();
  const add = (path: string, agent: string, task: string | null) => {
    const key = task === null ? undefined : tasks.get(task)?.key;
    const known = owners.get(path) ?? new Set();
    known.add(key === undefined ? agent : `${agent} (${key})`);
    owners.set(path, known);
  };
  for (const event of facts.events)
    if (event.type === "lock.granted") for (const path of pathsOf(event)) add(path, event.agent ?? "", event.task);
  for (const { task, agent, outcome } of facts.attempts)
    if (outcome !== "cancelled" && facts.specs.has(task))
      for (const path of facts.specs.get(task)?.files.write ?? []) add(path, agent, task);
  return owners;
}

function pathsOf({ data }: StoredEvent): string[] {
  const { locks } = data;
  if (!Array.isArray(locks)) return [];
  return locks.flatMap((lock: unknown) => (isObject(lock) && typeof lock["path"] === "string" ? [lock["path"]] : []));
}

function artifacts(facts: BriefFacts): BriefEntry[] {
  const tasks = tasksById(facts);
  return facts.artifacts.map(({ id, name, version, type, createdBy, task, path, createdAt }, index, all) => ({
    rank: RANK.artifact - (all.length - 1 - index) / 2,
    line: () => {
      const of = task === null ? "" : ` for ${tasks.get(task)?.key ?? task}`;
      const from = path === null ? "" : ` from ${shownLine(path)}`;
      return `Artifact ${shownLine(name)} version ${version} (${id}, ${type})${from} by ${createdBy}${of}, ${ago(facts.now, createdAt)}`;
    },
  }));
}

/** Locks that were refused or broken: work that collided. */
function refusals(facts: BriefFacts): BriefEntry[] {
  return facts.events.flatMap((event, index): BriefEntry[] => {
    const { data, agent, at, type } = event;
    const when = ago(facts.now, at);
    const rank = RANK.denied + index / 1_000;
    if (type === "lock.broken")
      return [
        {
          rank: rank + 5,
          line: (quote) =>
            `The lock of ${String(data["held_by"])} on ${pathsOf(event).map(shownLine).join(", ")} was broken ${when} (${String(data["why"])})${typeof data["broken_for"] === "string" ? ` for ${quote(data["broken_for"])}` : ""}`,
        },
      ];
    if (type !== "lock.denied" || !Array.isArray(data["paths"])) return [];
    const paths = data["paths"].map((path) => shownLine(String(path))).join(", ");
    const holders = Array.isArray(data["conflicts"])
      ? data["conflicts"].flatMap((one: unknown) => (isObject(one) ? [String(one["held_by"])] : []))
      : [];
    return [
      { rank, line: () => `${agent ?? ""} was denied ${paths} ${when}, held by ${[...new Set(holders)].join(", ")}` },
    ];
  });
}
