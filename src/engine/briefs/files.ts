import { callOperation } from "../../base/errors.js";
import { isObject } from "../../base/json.js";
import { grouped } from "../../base/lists/groups.js";
import { shownLine } from "../../base/texts/shown-text.js";
import type { StoredEvent } from "../../store/events/history.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { BriefFacts } from "./facts.js";
import type { BriefEntry, BriefSection } from "./fitting.js";
import { lowered, weightIfNeeded, weightOf } from "./weight.js";
import { ago } from "./wording.js";

const RANK = { held: 76, file: 71, artifact: 74, denied: 70 } as const;
const OWNERS_SHOWN_MAX = 5;

/** An agent that locked a path, for a task. */
interface Owner {
  readonly agent: string;
  readonly task: string | null;
}

/** Returns the files that were locked for work and by whom, who holds them now, and the artifacts that were put. */
export function filesOf(facts: BriefFacts): BriefSection {
  const tasks = facts.byId;
  const held = new Map(facts.locks.map(({ path, agent }) => [path, agent]));
  const touched = ownersOf(facts);
  const told = toldWithWork(facts);
  const paths = [...new Set([...touched.keys(), ...held.keys()])].filter(
    (path) => held.has(path) || !isTold(touched.get(path) ?? [], told.get(path)),
  );
  const files = paths.map((path, index): BriefEntry => {
    const owners = touched.get(path) ?? [];
    const now = held.get(path);
    const names = [
      ...new Set(owners.map(({ agent, task }) => nameOf(agent, task === null ? undefined : tasks.get(task)))),
    ];
    const shown = names.slice(-OWNERS_SHOWN_MAX).join(", then ");
    const state = now === undefined ? "" : `${shown === "" ? "" : "; "}held by ${now} now`;
    const weight = Math.max(0, ...owners.map(({ task }) => weightOf(tasks.get(task ?? ""))));
    return {
      rank: (now === undefined ? RANK.file : RANK.held) + weight - lowered(paths.length - 1 - index),
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

function nameOf(agent: string, task: Task | undefined): string {
  return task === undefined ? agent : `${agent} (${task.key})`;
}

/** Whether a path stands with the work of its only owner already. */
function isTold(owners: readonly Owner[], doneBy: Owner | undefined): boolean {
  return doneBy !== undefined && owners.every(({ agent, task }) => agent === doneBy.agent && task === doneBy.task);
}

/** The declared paths of tasks that succeeded, with who did them. */
function toldWithWork(facts: BriefFacts): ReadonlyMap<string, Owner> {
  return new Map(
    facts.attempts
      .filter(({ outcome }) => outcome === "succeeded")
      .flatMap(({ task, agent }) => (facts.specs.get(task)?.files.write ?? []).map((path) => [path, { agent, task }])),
  );
}

/** The agents that locked each path in their order, with their tasks: as far as the history is read, else as the tasks declare. */
function ownersOf(facts: BriefFacts): ReadonlyMap<string, readonly Owner[]> {
  const locked = facts.events
    .filter(({ type }) => type === "lock.granted")
    .flatMap((event) => pathsOf(event).map((path) => ({ path, agent: event.agent ?? "", task: event.task })));
  const declared = facts.attempts
    .filter(({ outcome }) => outcome !== "cancelled")
    .flatMap(({ task, agent }) => (facts.specs.get(task)?.files.write ?? []).map((path) => ({ path, agent, task })));
  return grouped<Owner & { readonly path: string }, string, Owner>(
    [...locked, ...declared],
    ({ path }) => path,
    ({ agent, task }) => ({ agent, task }),
  );
}

function pathsOf({ data }: StoredEvent): string[] {
  const { locks } = data;
  if (!Array.isArray(locks)) return [];
  return locks.flatMap((lock: unknown) => (isObject(lock) && typeof lock["path"] === "string" ? [lock["path"]] : []));
}

function artifacts(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  return facts.artifacts.map(({ id, name, version, type, createdBy, task, path, createdAt }, index, all) => ({
    rank:
      RANK.artifact +
      weightOf(tasks.get(task ?? "")) +
      weightIfNeeded(facts.needed, task) -
      lowered(all.length - 1 - index),
    line: () => {
      const of = task === null ? "" : ` for ${tasks.get(task)?.key ?? task}`;
      const from = path === null ? "" : ` from ${shownLine(path)}`;
      return `Artifact ${shownLine(name)} version ${version} (${id}, ${type})${from} by ${createdBy}${of}, ${ago(facts.now, createdAt)}`;
    },
  }));
}

/** Locks that were refused or broken: work that collided. */
function refusals(facts: BriefFacts): BriefEntry[] {
  const tasks = facts.byId;
  return facts.events.flatMap((event, index): BriefEntry[] => {
    const { data, agent, at, type } = event;
    const when = ago(facts.now, at);
    const rank = RANK.denied + weightOf(tasks.get(event.task ?? "")) + index / 1_000;
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
