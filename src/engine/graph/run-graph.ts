import { isReview } from "../../store/reviews/review-key.js";
import type { Task } from "../../store/tasks/tasks.js";
import type { JsonObject } from "../../base/json.js";
import { hint } from "../../base/names.js";

/** Changes a task allows: an unclaimed one can be changed, a held or ended one cannot. */
export type Mutability = "open" | "held" | "ended";

/** A task of a run while it is being changed, or one that is new. */
export interface Vertex {
  readonly key: string;
  /** Undefined for a new one. */
  readonly task: Task | undefined;
  readonly mutability: Mutability;
  /** Keys of what it depends on. */
  readonly needs: Set<string>;
  /** The step of a new task, or an existing task's step from now on. Without its key and its needs. */
  written: JsonObject | undefined;
  /** Where the caller wrote it, for what is wrong with it. */
  path: string;
  priority: string | undefined;
}

/** The graph of a run in memory. Keys name its tasks; a task that is there may be named by its id too. */
export class RunGraph {
  readonly #vertices = new Map<string, Vertex>();
  readonly #keyOf = new Map<string, string>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly removed: Task[] = [];
  /** By key, which change took a task away. */
  readonly #removedBy = new Map<string, string>();
  /** Whether anything no longer comes before something that it came before. */
  loosened = false;

  constructor(tasks: readonly Task[], edges: readonly (readonly [dependency: string, task: string])[]) {
    for (const task of tasks) {
      this.#keyOf.set(task.id, task.key);
      this.#put({ key: task.key, task, mutability: mutabilityOf(task), needs: new Set() });
    }
    for (const [dependency, task] of edges) {
      const [on, of] = [this.#keyOf.get(dependency), this.#keyOf.get(task)];
      if (on !== undefined && of !== undefined) this.link(of, on);
    }
  }

  #put(vertex: Pick<Vertex, "key" | "task" | "mutability" | "needs">): Vertex {
    const whole: Vertex = { ...vertex, written: undefined, path: "", priority: undefined };
    this.#vertices.set(vertex.key, whole);
    return whole;
  }

  /** By key, or by the id of a task. */
  find(reference: string): Vertex | undefined {
    return this.#vertices.get(reference) ?? this.#vertices.get(this.#keyOf.get(reference) ?? "");
  }

  /** Words for a reference that is none. */
  missing(reference: string): string {
    const by = this.#removedBy.get(this.#keyOf.get(reference) ?? reference);
    if (by !== undefined) return `${by} has removed task "${reference}"`;
    return `the run has no task "${reference}"${hint(reference, this.#vertices.keys())}`;
  }

  all(): Iterable<Vertex> {
    return this.#vertices.values();
  }

  add(key: string, written: JsonObject, place: string): Vertex {
    const vertex = this.#put({ key, task: undefined, mutability: "open", needs: new Set() });
    vertex.written = written;
    vertex.path = place;
    return vertex;
  }

  remove(key: string, by: string): void {
    const vertex = this.#vertices.get(key);
    if (!vertex) return;
    this.loosened = true;
    this.#removedBy.set(key, by);
    for (const need of vertex.needs) this.#dependents.get(need)?.delete(key);
    for (const dependent of this.dependentsOf(key)) this.#vertices.get(dependent)?.needs.delete(key);
    this.#dependents.delete(key);
    this.#vertices.delete(key);
    if (vertex.task) this.removed.push(vertex.task);
  }

  link(key: string, on: string): void {
    this.#vertices.get(key)?.needs.add(on);
    const known = this.#dependents.get(on);
    if (known) known.add(key);
    else this.#dependents.set(on, new Set([key]));
  }

  unlink(key: string, on: string): void {
    this.loosened = true;
    this.#vertices.get(key)?.needs.delete(on);
    this.#dependents.get(on)?.delete(key);
  }

  dependentsOf(key: string): string[] {
    return [...(this.#dependents.get(key) ?? [])];
  }

  /** All that a task waits for, at any distance. */
  allBefore(key: string): Vertex[] {
    const found = new Map<string, Vertex>();
    const open = [...(this.#vertices.get(key)?.needs ?? [])];
    for (let need = open.pop(); need !== undefined; need = open.pop()) {
      const vertex = this.#vertices.get(need);
      if (!vertex || found.has(need)) continue;
      found.set(need, vertex);
      open.push(...vertex.needs);
    }
    return [...found.values()];
  }

  /** Whether a task has ended whenever another begins. */
  comesBefore(earlier: string, later: string): boolean {
    const seen = new Set<string>();
    const open = [...(this.#vertices.get(later)?.needs ?? [])];
    for (let key = open.pop(); key !== undefined; key = open.pop()) {
      if (key === earlier) return true;
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(...(this.#vertices.get(key)?.needs ?? []));
    }
    return false;
  }
}

function mutabilityOf({ key, status }: Task): Mutability {
  // The work that it reviews waits for it.
  if (isReview({ key }) && (status === "pending" || status === "ready")) return "held";
  if (status === "pending" || status === "ready" || status === "blocked") return "open";
  return status === "running" || status === "waiting" || status === "in_review" ? "held" : "ended";
}
