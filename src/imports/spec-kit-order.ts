import type { TaskState } from "./foreign-plan.js";

/** A task as its line says it, before the order of the phases is known. */
export interface SpecKitTask {
  readonly id: string;
  readonly state: TaskState;
  /** Whether it is marked `[P]`: it may run beside its neighbours. */
  readonly parallel: boolean;
  readonly labels: readonly string[];
  /** The description with its further lines. */
  readonly words: string[];
  readonly place: string;
}

/** A heading of the second level with the tasks below it. */
export interface PlanPhase {
  readonly title: string;
  /** Its goal, and how it is tested. */
  readonly about: string[];
  /** The tasks below its headings of the third level, each list in its order. */
  readonly sections: SpecKitTask[][];
}

/** Edges between two groups beyond which one task stands for the earlier group. */
const EDGES_MAX = 1_000;
const ORDER_LINES_MAX = 200;
const NAMED_MAX = 100;

/**
 * The tasks that each task waits for. spec-kit says: phases follow one another, but the user stories wait for the phases before
 * them only and run side by side; within a phase the tasks follow in their order, and neighbours marked `[P]` run side by side.
 * A sentence of the document about a phase ("Depends on US1") replaces that rule for it.
 */
export function needsOf(phases: readonly PlanPhase[], order: readonly string[]): Map<string, string[]> {
  const edges = new Edges();
  const groups = phases.map(groupsOf);
  for (const own of groups) for (const [at, group] of own.entries()) if (at > 0) edges.add(own[at - 1] ?? [], group);
  const before = earlierPhases(phases, order.slice(0, ORDER_LINES_MAX));
  for (const [at, own] of groups.entries()) {
    const ends = (before[at] ?? []).flatMap((index) => groups[index]?.at(-1) ?? []);
    edges.add(ends, own[0] ?? []);
  }
  addNamed(phases, edges);
  return edges.needs();
}

/** The tasks of a phase in groups that follow one another; below each heading a new one begins. */
function groupsOf({ sections }: PlanPhase): SpecKitTask[][] {
  const groups: SpecKitTask[][] = [];
  for (const section of sections)
    for (const [at, line] of section.entries()) {
      const isBeside = line.parallel && section[at - 1]?.parallel === true;
      if (isBeside) groups.at(-1)?.push(line);
      else groups.push([line]);
    }
  return groups;
}

class Edges {
  readonly #needs = new Map<string, Set<string>>();

  /** Lets each of the later tasks wait for each of the earlier. Where these are very many, the last of the earlier waits for the rest. */
  add(earlier: readonly SpecKitTask[], later: readonly SpecKitTask[]): void {
    const gate = earlier.at(-1);
    if (gate === undefined) return;
    const few = earlier.length * later.length <= EDGES_MAX || earlier.length === 1 || later.length === 1;
    if (!few) this.add(earlier.slice(0, -1), [gate]);
    for (const { id } of later) for (const need of few ? earlier : [gate]) this.one(id, need.id);
  }

  one(id: string, need: string): void {
    const own = this.#needs.get(id) ?? new Set();
    this.#needs.set(id, own.add(need));
  }

  needs(): Map<string, string[]> {
    return new Map([...this.#needs].map(([id, needs]) => [id, [...needs]]));
  }
}

/** The places of the phases that each phase waits for, all of them earlier ones. */
function earlierPhases(phases: readonly PlanPhase[], order: readonly string[]): number[][] {
  const said = phasesSaid(phases, order);
  const usual: number[][] = [];
  let [common, stories] = [[] as number[], [] as number[]];
  for (const [at, { title }] of phases.entries()) {
    if (storyOf(title) !== undefined) {
      usual.push(common);
      stories.push(at);
    } else {
      usual.push(stories.length > 0 ? stories : common);
      [common, stories] = [[at], []];
    }
  }
  return usual.map((earlier, at) => said.get(at) ?? earlier);
}

const SENTENCE = /^\s*[-*+]\s+\*\*(.{1,200}?)\*\*:?\s*(.*)$/;
const DEPENDS = /\b(?:depends? on|starts? after|requires)\s+(.*)$/i;

/** The places that lines such as "- **US2 (Phase 4)**: Depends on US1 (its rollback)" name, by the place of their phase. */
function phasesSaid(phases: readonly PlanPhase[], order: readonly string[]): Map<number, number[]> {
  const said = new Map<number, number[]>();
  for (const line of order) {
    const [, subject = "", words = ""] = SENTENCE.exec(line.slice(0, 1_000)) ?? [];
    const [at, ...others] = mentioned(phases, subject);
    // Further reasons stand in parentheses and behind a dash.
    const clause = DEPENDS.exec(words)?.[1]?.split(/\s[-–—]\s|[;.](?:\s|$)/)[0];
    if (at === undefined || others.length > 0 || clause === undefined) continue;
    const earlier = mentioned(phases, clause.replaceAll(/\((?!Phase)[^()]*\)/gi, " ")).filter((other) => other < at);
    if (earlier.length > 0) said.set(at, [...new Set([...(said.get(at) ?? []), ...earlier])]);
  }
  return said;
}

/** The places of the phases that words name: by number, by story, by the first word of a title, or all. */
function mentioned(phases: readonly PlanPhase[], words: string): number[] {
  const all = /\ball\b.*\b(phases|stories)\b/i.exec(words)?.[1]?.toLowerCase();
  const numbers = new Set(Array.from(words.matchAll(/\bPhase ([\d.]*\d)(?![\d+])/gi), ([, number]) => number));
  const stories = new Set(Array.from(words.matchAll(/\b(?:US|User Story )(\d+)/gi), ([, number]) => number));
  const names = new Set(words.toLowerCase().match(/[a-z]{4,}/g));
  return phases.flatMap(({ title }, at) => {
    const story = storyOf(title);
    const number = /^Phase ([\d.]*\d)\b/i.exec(title)?.[1];
    const name = /^(?:Phase \S+\s+)?[^a-z]*([a-z]{4,})/i.exec(title)?.[1]?.toLowerCase();
    const isNamed =
      all === "phases" ||
      (all === "stories" && story !== undefined) ||
      numbers.has(number ?? "") ||
      stories.has(story ?? "") ||
      (story === undefined && numbers.size + stories.size === 0 && name !== undefined && names.has(name));
    return isNamed ? [at] : [];
  });
}

function storyOf(title: string): string | undefined {
  return /\b(?:User Story\s*|Story\s*|US)(\d+)\b/i.exec(title)?.[1];
}

const NAMED = /\b(?:depends? on|blocked by|requires|after)\b:?\s*((?:T\d+\w*(?:\s*(?:,|&|-|–|and|to)\s*)*)+)/gi;

/** Adds what a description names: "(depends on T012, T013)", of tasks that stand before it. */
function addNamed(phases: readonly PlanPhase[], edges: Edges): void {
  const places = new Map<string, number>();
  const ids: string[] = [];
  for (const { id, words } of phases.flatMap(({ sections }) => sections.flat())) {
    const named = [...words.join(" ").slice(0, 2_000).matchAll(NAMED)].flatMap(([, list = ""]) =>
      idsOf(list, { places, ids }),
    );
    for (const need of named.slice(0, NAMED_MAX)) if (places.has(need)) edges.one(id, need);
    places.set(id, ids.length);
    ids.push(id);
  }
}

/** The ids of a list, in which `T005-T009` stands for all from the one to the other. */
function idsOf(list: string, known: { places: ReadonlyMap<string, number>; ids: readonly string[] }): string[] {
  return Array.from(list.matchAll(/(T\d+\w*)(?:\s*(?:-|–|to)\s*(T\d+\w*))?/g)).flatMap(([, first = "", last]) => {
    const [from, to] = [known.places.get(first), known.places.get(last ?? "")];
    if (from === undefined || to === undefined) return [first, ...(last === undefined ? [] : [last])];
    return known.ids.slice(from, Math.min(to, from + NAMED_MAX) + 1);
  });
}
