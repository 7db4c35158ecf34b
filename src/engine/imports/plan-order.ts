import { grouped } from "../../base/lists/groups.js";
import type { ForeignTask, Unmapped } from "../../imports/foreign-plan.js";

/** The dependencies of a plan's tasks, by ref: those it says, and those that follow from its parents. */
export interface PlanOrder {
  readonly needs: ReadonlyMap<string, ReadonlySet<string>>;
  /** Dependencies that were left out. */
  readonly unmapped: readonly Unmapped[];
}

type Edges = Map<string, Set<string>>;

/**
 * Orders tasks: a task waits for what it needs and for its parts; a part waits for what its whole needs, unless it waits for another
 * part already. Of a circle one dependency is left out. O(tasks and dependencies).
 */
export function orderOf(tasks: ReadonlyMap<string, ForeignTask>): PlanOrder {
  const unmapped: Unmapped[] = [];
  const needs: Edges = new Map();
  for (const [ref, task] of tasks) needs.set(ref, saidNeeds(task, tasks, unmapped));
  for (const [ref, { parent }] of tasks) if (parent !== undefined) needs.get(parent)?.add(ref);
  openCircles(tasks, needs, unmapped);
  inherit(tasks, needs);
  return { needs, unmapped };
}

function saidNeeds(task: ForeignTask, tasks: ReadonlyMap<string, ForeignTask>, unmapped: Unmapped[]): Set<string> {
  const known = new Set<string>();
  for (const need of task.needs) {
    const what = `${task.ref} needs ${need}`;
    if (need === task.ref) unmapped.push({ place: task.place, what, why: "a task cannot wait for itself" });
    // A task that is over waits for nothing.
    else if (!tasks.has(need) && (task.state === "done" || task.state === "dropped")) continue;
    else if (!tasks.has(need))
      unmapped.push({ place: task.place, what, why: `the plan has no task ${need}, so it waits for none` });
    // Its parent waits for it.
    else if (need !== task.parent) known.add(need);
  }
  return known;
}

interface Step {
  readonly ref: string;
  readonly rest: Iterator<string>;
}

/** Leaves out each dependency that closes a circle, found in the order of the plan. */
function openCircles(tasks: ReadonlyMap<string, ForeignTask>, needs: Edges, unmapped: Unmapped[]): void {
  const state = new Map<string, "open" | "done">();
  for (const start of tasks.keys()) {
    if (state.has(start)) continue;
    const path: Step[] = [stepOf(start, needs)];
    state.set(start, "open");
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const next = step.rest.next();
      if (next.done === true) {
        state.set(step.ref, "done");
        path.pop();
      } else if (state.get(next.value) === "open") {
        needs.get(step.ref)?.delete(next.value);
        unmapped.push(circle(tasks, path, next.value));
      } else if (!state.has(next.value)) {
        state.set(next.value, "open");
        path.push(stepOf(next.value, needs));
      }
    }
  }
}

function stepOf(ref: string, needs: Edges): Step {
  return { ref, rest: [...(needs.get(ref) ?? [])].values() };
}

const CIRCLE_SHOWN_MAX = 10;

function circle(tasks: ReadonlyMap<string, ForeignTask>, path: readonly Step[], to: string): Unmapped {
  const from = path.at(-1)?.ref ?? to;
  const at = path.findLastIndex(({ ref }) => ref === to);
  const refs = [...path.slice(at).map(({ ref }) => ref), to];
  const shown = refs.length > CIRCLE_SHOWN_MAX ? [...refs.slice(0, CIRCLE_SHOWN_MAX), "…"] : refs;
  return {
    place: tasks.get(from)?.place ?? "",
    what: `${from} needs ${to}`,
    why: `closes a circle: ${shown.join(" → ")}`,
  };
}

/**
 * Lets parts wait for what their whole needs. Where that would close a circle, the plan's own words count and the part does not wait:
 * tasks are placed one by one behind what they need, and the inherited needs of those that nothing else holds up are left out.
 */
function inherit(tasks: ReadonlyMap<string, ForeignTask>, needs: Edges): void {
  const inherited = inheritedNeeds(tasks, needs);
  const waits = new Map([...needs].map(([ref, own]) => [ref, own.size]));
  const [dependents, heirs] = [reversed(needs), reversed(inherited)];
  const open = new Map([...inherited].map(([ref, own]) => [ref, new Set(own)]));
  const left = new Set(tasks.keys());
  const isFree = (ref: string): boolean => left.has(ref) && waits.get(ref) === 0;
  const place = (first: readonly string[]): void => {
    const free = [...first];
    for (let ref = free.pop(); ref !== undefined; ref = free.pop()) {
      if (!left.delete(ref)) continue;
      for (const dependent of dependents.get(ref) ?? []) {
        waits.set(dependent, (waits.get(dependent) ?? 0) - 1);
        if (isFree(dependent) && (open.get(dependent)?.size ?? 0) === 0) free.push(dependent);
      }
      for (const heir of heirs.get(ref) ?? []) {
        open.get(heir)?.delete(ref);
        if (isFree(heir) && open.get(heir)?.size === 0) free.push(heir);
      }
    }
  };
  place([...left].filter((ref) => isFree(ref) && (open.get(ref)?.size ?? 0) === 0));
  while (left.size > 0) {
    const held = [...left].filter(isFree);
    for (const ref of held) {
      // One before it may have brought what it waits for.
      if (!left.has(ref)) continue;
      for (const need of open.get(ref) ?? []) inherited.get(ref)?.delete(need);
      place([ref]);
    }
  }
  for (const [ref, own] of inherited) for (const need of own) needs.get(ref)?.add(need);
}

/** The needs that each first part of a task has because its whole has them; wholes come before their parts. */
function inheritedNeeds(tasks: ReadonlyMap<string, ForeignTask>, needs: Edges): Edges {
  const parts = grouped(
    tasks.values(),
    ({ parent }) => (parent !== undefined && tasks.has(parent) ? parent : undefined),
    ({ ref }) => ref,
  );
  const inherited: Edges = new Map();
  const open = [...(parts.get(undefined) ?? [])];
  for (let whole = open.pop(); whole !== undefined; whole = open.pop()) {
    const own = parts.get(whole) ?? [];
    const siblings = new Set(own);
    const outside = [...(needs.get(whole) ?? []), ...(inherited.get(whole) ?? [])].filter((one) => !siblings.has(one));
    for (const part of own) {
      open.push(part);
      const isFirst = ![...(needs.get(part) ?? [])].some((need) => siblings.has(need));
      if (isFirst) inherited.set(part, new Set(outside.filter((need) => need !== part)));
    }
  }
  return inherited;
}

/** The tasks that lead to each, by a map of those that each leads to. */
function reversed(edges: Edges): Map<string, string[]> {
  const pairs = [...edges].flatMap(([from, to]) => [...to].map((one) => [from, one] as const));
  return grouped(
    pairs,
    ([, to]) => to,
    ([from]) => from,
  );
}
