import { acquireFileLock, isInLine } from "../../src/engine/locks/locks.js";
import type { ManualClock } from "../../src/runtime/clock.js";
import type { Random } from "../../src/runtime/random.js";
import { type EngineHandle, type Held, held } from "../harness/engine-handle.js";
import { type Change, changedLines, conflict, type Edit } from "./edits.js";

/**
 * Ways of keeping agents apart that share files. In order: an agent takes the next task whatever files it needs and waits for them, where a
 * claim passes over tasks whose files are held.
 */
export const WAYS = [
  "exclusive",
  "exclusive, in order",
  "exclusive, late",
  "exclusive, late, in order",
  "intent",
  "worktrees",
  "nothing",
] as const;
export type Way = (typeof WAYS)[number];

/** How files are locked for themselves alone in a way: with the claim or after it, and the bottlenecks among them late. */
export function exclusiveIn(way: Way) {
  const isExclusive = way.startsWith("exclusive");
  const inOrder = way.endsWith("in order");
  return { isExclusive, declares: isExclusive && !inOrder, inOrder, isLate: way.startsWith("exclusive, late") };
}

/** Parts of a change's time: reading and thinking, editing, trying it out. */
const PARTS = { read: 0.4, edit: 0.4, test: 0.2 } as const;
/** How often two changes of one file that git merges without a conflict still break each other. */
const BREAKS = 0.1;
/** How often an agent that writes from what it read earlier drops an edit made since. */
const OVERWRITES = 0.5;
const FOREVER_MS = 100 * 365 * 86_400_000;

export interface Scene {
  readonly handle: EngineHandle;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly run: string;
  readonly way: Way;
  readonly agents: readonly string[];
  readonly changes: ReadonlyMap<string, Change>;
  /** Paths that no task declares, locked for their edit alone. */
  readonly late: ReadonlySet<string>;
}

export interface Result {
  /** Until the last change was claimed: afterwards agents are idle for want of work. */
  readonly time: number;
  /** Done in that time. */
  readonly work: number;
  readonly rework: number;
  /** Time of agents that waited for a lock with work in hand. */
  readonly waited: number;
  /** Time of agents that found nothing to claim while there was work left. */
  readonly idle: number;
}

/** An edit that has been made, or is being made. */
interface Made {
  readonly agent: string;
  readonly edit: Edit;
  readonly from: number;
  readonly to: number;
  /** When its change was committed; undefined until then. */
  committed: number | undefined;
}

type Stage =
  /** `again`: rework. */
  | { readonly kind: "work"; readonly ms: number; readonly again?: boolean }
  | { readonly kind: "edit"; readonly edit: Edit; readonly ms: number; readonly again?: boolean }
  | { readonly kind: "lock"; readonly paths: readonly string[] }
  | { readonly kind: "end" };

/** A change that an agent is at. */
interface Stint {
  readonly agent: string;
  readonly held: Held;
  readonly change: Change;
  readonly startedAt: number;
  readonly stages: Stage[];
  readonly made: Made[];
  /** When its copy of the others' work was taken; with worktrees only. */
  base: number;
  wakesAt: number;
}

/** Works the changes off in virtual time: the claims and locks are the engine's own, the edits and their rework follow the model. */
export class Contention {
  readonly #scene: Scene;
  readonly #stints = new Map<string, Stint>();
  /** Id of the request in line, by agent. */
  readonly #waiting = new Map<string, { readonly request: string; readonly since: number }>();
  readonly #history = new Map<string, Made[]>();
  readonly #idleSince = new Map<string, number>();
  #rework = 0;
  #waited = 0;
  #idle = 0;
  #claimed = 0;
  /** Work of changes that were done. */
  #done = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async run(): Promise<Result> {
    const { clock, changes, agents } = this.#scene;
    const startedAt = clock.now();
    await this.#claimAll(agents);
    while (this.#claimed < changes.size) {
      const [next] = [...this.#stints.values()]
        .filter(({ agent }) => !this.#waiting.has(agent))
        .sort((a, b) => a.wakesAt - b.wakesAt || (a.agent < b.agent ? -1 : 1));
      if (!next) throw new Error("every agent waits for another");
      clock.advance(next.wakesAt - clock.now());
      await this.#advance(next);
    }
    const now = clock.now();
    for (const { since } of this.#waiting.values()) this.#waited += now - since;
    for (const since of this.#idleSince.values()) this.#idle += now - since;
    const begun = [...this.#stints.values()].reduce((sum, stint) => sum + this.#progressOf(stint), 0);
    const facts = { rework: this.#rework, waited: this.#waited, idle: this.#idle };
    return { time: now - startedAt, work: this.#done + begun, ...facts };
  }

  /** Work done on a change under way. */
  #progressOf({ agent, change, stages, wakesAt }: Stint): number {
    const left = stages.reduce((sum, stage) => sum + ("ms" in stage && stage.again !== true ? stage.ms : 0), 0);
    const [stage] = stages;
    const isOn = stage !== undefined && "ms" in stage && stage.again !== true && !this.#waiting.has(agent);
    return change.ms - left + (isOn ? stage.ms - (wakesAt - this.#scene.clock.now()) : 0);
  }

  async #claimAll(agents: readonly string[]): Promise<void> {
    const { handle, clock, run, way, changes } = this.#scene;
    for (const agent of agents) {
      const claim = await handle.ask(agent, { run });
      if (claim.outcome === "none") {
        if (!this.#idleSince.has(agent)) this.#idleSince.set(agent, clock.now());
        continue;
      }
      this.#idle += clock.now() - (this.#idleSince.get(agent) ?? clock.now());
      this.#idleSince.delete(agent);
      this.#claimed += 1;
      const change = changes.get(claim.brief.task.key);
      if (!change) throw new Error("a task of no change");
      const stages = stagesOf(change, this.#scene);
      const startedAt = clock.now();
      const stint = {
        agent,
        held: held(claim.brief),
        change,
        startedAt,
        stages,
        made: [],
        base: startedAt,
        wakesAt: startedAt,
      };
      this.#stints.set(agent, stint);
      if (way === "intent") await this.#declare(stint);
      this.#begin(stint);
    }
  }

  async #declare({ agent, change, held: { task } }: Stint): Promise<void> {
    const paths = change.edits.map(({ path }) => path);
    const request = { agent, task, paths, mode: "intent", ttlMs: FOREVER_MS, wait: { kind: "none" } } as const;
    const { outcome } = await this.#scene.handle.transact((ctx) => acquireFileLock(ctx, request));
    if (outcome !== "granted") throw new Error(`an intent was ${outcome}`);
  }

  /** Sets when the stage that comes next is over. */
  #begin(stint: Stint): void {
    const { clock } = this.#scene;
    const [stage] = stint.stages;
    stint.wakesAt = clock.now() + (stage?.kind === "work" || stage?.kind === "edit" ? stage.ms : 0);
    if (stage?.kind !== "edit") return;
    const { edit } = stage;
    const made = { agent: stint.agent, edit, from: clock.now(), to: stint.wakesAt, committed: undefined };
    stint.made.push(made);
    this.#of(edit.path).push(made);
  }

  #of(file: string): Made[] {
    const known = this.#history.get(file) ?? [];
    this.#history.set(file, known);
    return known;
  }

  async #advance(stint: Stint): Promise<void> {
    const [stage] = stint.stages;
    if (stage?.kind === "lock") return this.#lock(stint, stage.paths);
    stint.stages.shift();
    if (stage?.kind === "edit") this.#edited(stint, stage);
    if (stage?.kind !== "end") return this.#begin(stint);
    const again = this.#reworkAtEnd(stint);
    if (again.length === 0) return this.#end(stint);
    stint.stages.push(...again, { kind: "end" });
    this.#begin(stint);
  }

  async #lock(stint: Stint, paths: readonly string[]): Promise<void> {
    const { handle, clock } = this.#scene;
    const {
      agent,
      held: { task },
    } = stint;
    const wait = { kind: "for", ms: FOREVER_MS } as const;
    const request = { agent, task, paths, mode: "exclusive", ttlMs: FOREVER_MS, wait } as const;
    const acquired = await handle.transact((ctx) => acquireFileLock(ctx, request));
    if (acquired.outcome === "queued") {
      this.#waiting.set(agent, { request: acquired.request ?? "", since: clock.now() });
      return;
    }
    if (acquired.outcome !== "granted") throw new Error(`a lock was ${acquired.outcome}`);
    stint.stages.shift();
    this.#begin(stint);
  }

  /** An edit is done: those made at the same time in the same files, where nothing kept the agents apart, may have to be made again. */
  #edited(stint: Stint, { edit, ms }: { readonly edit: Edit; readonly ms: number }): void {
    const { way, clock, random } = this.#scene;
    const mine = stint.made.findLast((made) => made.edit === edit);
    const others = this.#of(edit.path).filter(({ agent }) => agent !== stint.agent);
    if (way === "intent") {
      // Each was told and reads the file again before it writes: only edits at the same time in the same place meet.
      const meets = others.some(
        (made) => made.from < clock.now() && made.to > (mine?.from ?? 0) && conflict(edit, made.edit),
      );
      if (meets) this.#again(stint, ms);
    }
    if (way === "nothing") {
      for (const made of others) {
        if (made.to <= stint.startedAt || made.to > clock.now() || random.next() >= OVERWRITES) continue;
        this.#again(stint, made.to - made.from + PARTS.test * stint.change.ms);
      }
    }
  }

  #again(stint: Stint, ms: number): void {
    this.#rework += ms;
    stint.stages.unshift({ kind: "work", ms, again: true });
  }

  /** The rework that a change meets when it is to be joined with those committed since its beginning. */
  #reworkAtEnd(stint: Stint): Stage[] {
    const { way, clock, random } = this.#scene;
    if (exclusiveIn(way).isExclusive) return [];
    const since = stint.base;
    stint.base = clock.now();
    let ms = 0;
    // One commit of another, as often as it shares a file.
    const merged = new Set<string>();
    for (const { edit, from, to } of stint.made) {
      const news = this.#of(edit.path).filter(({ agent, committed = 0 }) => agent !== stint.agent && committed > since);
      for (const made of news) merged.add(`${made.agent} ${made.committed ?? 0}`);
      if (way === "worktrees" && news.some((made) => conflict(edit, made.edit))) ms += to - from;
    }
    for (const _ of merged) if (random.next() < BREAKS) ms += PARTS.test * stint.change.ms;
    if (ms === 0) return [];
    // A mended change is tried out once more.
    const again = ms + PARTS.test * stint.change.ms;
    this.#rework += again;
    return [{ kind: "work", ms: again, again: true }];
  }

  async #end(stint: Stint): Promise<void> {
    const { handle, clock } = this.#scene;
    for (const made of stint.made) made.committed = clock.now();
    await handle.complete(stint.held);
    this.#stints.delete(stint.agent);
    this.#done += stint.change.ms;
    for (const [agent, { request, since }] of this.#waiting) {
      if (await handle.read(() => isInLine(request))) continue;
      this.#waiting.delete(agent);
      this.#waited += clock.now() - since;
      const granted = this.#stints.get(agent);
      granted?.stages.shift();
      if (granted) this.#begin(granted);
    }
    await this.#claimAll([...new Set([stint.agent, ...this.#idleSince.keys()])]);
  }
}

/** A change as its agent does it. Files that are locked late are edited last, once the rest was tried out. */
function stagesOf({ ms, edits }: Change, { way, late }: Pick<Scene, "way" | "late">): Stage[] {
  const total = edits.reduce((sum, edit) => sum + 1 + changedLines(edit), 0);
  const editing = (some: readonly Edit[]): Stage[] =>
    some.map((edit) => ({ kind: "edit", edit, ms: (PARTS.edit * ms * (1 + changedLines(edit))) / total }));
  const last = edits.filter(({ path }) => late.has(path));
  const first = edits.filter((edit) => !last.includes(edit));
  const lockOf = (some: readonly Edit[]): Stage[] =>
    some.length === 0 ? [] : [{ kind: "lock", paths: some.map(({ path }) => path) }];
  return [
    ...(exclusiveIn(way).inOrder ? lockOf(first) : []),
    { kind: "work", ms: PARTS.read * ms },
    ...editing(first),
    { kind: "work", ms: PARTS.test * ms },
    ...lockOf(last),
    ...editing(last),
    { kind: "end" },
  ];
}
