import { z } from "zod";
import { closedObject } from "../../base/strict-object.js";
import { bareSource } from "../definitions/expression-checks.js";
import { defined, type JsonObject } from "../../base/json.js";
import { PRIORITIES } from "../scheduling/order.js";
import { type Problems, missingFirst, zodProblems } from "../../base/problems.js";
import type { RunGraph, Vertex } from "../graph/run-graph.js";
import { elementPrefix } from "../lifecycle/for-each.js";

// The changes that modify_run knows, as what they do to the graph of a run in memory. What is wrong is noted, and nothing is
// written before all of them are sound together.

const key = z.string().min(1);
const keys = z.array(key).max(1_000);
const step = z.record(z.string(), z.unknown());
const closed = <Shape extends z.core.$ZodLooseShape>(shape: Shape) => closedObject(shape, new Set());

const SCHEMAS = {
  add_task: closed({ op: z.literal("add_task"), step, before: keys.optional() }),
  update_task: closed({ op: z.literal("update_task"), task: key, set: step }),
  remove_task: closed({ op: z.literal("remove_task"), task: key }),
  add_dependency: closed({ op: z.literal("add_dependency"), task: key, on: key }),
  remove_dependency: closed({ op: z.literal("remove_dependency"), task: key, on: key }),
  create_branch: closed({
    op: z.literal("create_branch"),
    after: key,
    if: z.string().min(1),
    // oxlint-disable-next-line unicorn/no-thenable -- the sides of a branch are called so, and nothing awaits it
    then: z.array(step).max(1_000),
    else: z.array(step).max(1_000).optional(),
    before: keys.optional(),
  }),
  insert_gate: closed({
    op: z.literal("insert_gate"),
    after: key,
    key: key.optional(),
    checks: z.array(z.string()).optional(),
    reviews: keys.optional(),
    gate_type: z.literal("code_review").optional(),
    ask: z.string().optional(),
  }),
  parallelize: closed({ op: z.literal("parallelize"), tasks: keys.min(2) }),
  reprioritize: closed({
    op: z.literal("reprioritize"),
    tasks: keys.optional(),
    priority: z.enum(Object.keys(PRIORITIES) as [keyof typeof PRIORITIES]),
  }),
} as const;

type Op = keyof typeof SCHEMAS;
type Change = { [K in Op]: z.output<(typeof SCHEMAS)[K]> };

/** The names of the changes. */
export const CHANGE_OPS = Object.keys(SCHEMAS) as readonly Op[];

/** One change on its way into the graph. */
class Edit {
  constructor(
    readonly graph: RunGraph,
    readonly place: string,
    readonly problems: Problems,
  ) {}

  refuse(message: string, field?: string): undefined {
    this.problems.add({ path: field === undefined ? this.place : `${this.place}.${field}`, message });
    return undefined;
  }

  /** A task that is there. */
  known(reference: string, field: string): Vertex | undefined {
    return this.graph.find(reference) ?? this.refuse(this.graph.missing(reference), field);
  }

  /** Returns a task that can still be changed: it is unclaimed and has not ended. */
  open(reference: string, field: string): Vertex | undefined {
    const vertex = this.known(reference, field);
    if (vertex && isGathering(vertex))
      return this.refuse(`"${vertex.key}" stands for the elements of a list, of which tasks have been made`, field);
    if (!vertex || vertex.mutability === "open") return vertex;
    return this.refuse(`task "${vertex.key}" is ${vertex.task?.status ?? "new"}: ${whyFixed(vertex)}`, field);
  }

  /** Adds a step that was written in a change. Gives its key. */
  add(written: JsonObject, field: string): string | undefined {
    const { key: name, needs, ...rest } = written;
    if (typeof name !== "string" || name === "") return this.refuse("a step has a key", `${field}.key`);
    if (this.graph.find(name)) return this.refuse(`the run has a task "${name}" already`, `${field}.key`);
    const parsed = keys.optional().safeParse(typeof needs === "string" ? [needs] : needs);
    if (!parsed.success) return this.refuse("must be a list of keys", `${field}.needs`);
    this.graph.add(name, rest, `${this.place}.${field}`);
    // A step of the same change may come after it: whether there is one is looked at when all are there.
    for (const need of parsed.data ?? []) this.graph.link(name, this.graph.find(need)?.key ?? need);
    return name;
  }

  /** Makes unstarted tasks wait for others. */
  holdBack(references: readonly string[] | undefined, ends: readonly string[]): void {
    (references ?? []).forEach((reference, at) => {
      const vertex = this.open(reference, `before[${at}]`);
      if (vertex) for (const end of ends) this.graph.link(vertex.key, end);
    });
  }
}

const APPLY: { readonly [K in Op]: (edit: Edit, change: Change[K]) => undefined | void } = {
  add_task(edit, { step: written, before }) {
    const name = edit.add(written, "step");
    if (name !== undefined) edit.holdBack(before, [name]);
  },

  update_task(edit, { task, set }) {
    const vertex = edit.open(task, "task");
    if (!vertex) return;
    const fixed = ["key", "kind", "needs", "for_each"].filter((field) => field in set);
    if (isElement(vertex)) return edit.refuse(`"${vertex.key}" is an element of a list, made as its step says`, "task");
    if (fixed.length > 0)
      edit.refuse(`${fixed.join(", ")} of a task cannot be changed: remove it and add another`, "set");
    else {
      vertex.written = { ...vertex.written, ...set };
      vertex.path = `${edit.place}.set`;
      if (typeof set["priority"] === "string") vertex.priority = set["priority"];
    }
  },

  remove_task(edit, { task }) {
    const vertex = edit.open(task, "task");
    if (!vertex) return;
    if (vertex.task && vertex.task.attempt > 0)
      return edit.refuse(`task "${vertex.key}" has been tried: cancel_task keeps what is known of it`, "task");
    if (isElement(vertex))
      return edit.refuse(`"${vertex.key}" is an element of a list: cancel_task leaves it out`, "task");
    const behind = edit.graph.dependentsOf(vertex.key);
    // Tasks behind the removed one come after its own dependencies.
    for (const dependent of behind) for (const need of vertex.needs) edit.graph.link(dependent, need);
    edit.graph.remove(vertex.key, edit.place);
  },

  add_dependency(edit, { task, on }) {
    const vertex = edit.open(task, "task");
    const needed = edit.known(on, "on");
    if (vertex && needed) edit.graph.link(vertex.key, needed.key);
  },

  remove_dependency(edit, { task, on }) {
    const vertex = edit.open(task, "task");
    const needed = edit.known(on, "on");
    if (!vertex || !needed) return;
    if (!vertex.needs.has(needed.key)) edit.refuse(`"${vertex.key}" does not depend on "${needed.key}"`);
    else edit.graph.unlink(vertex.key, needed.key);
  },

  create_branch(edit, { after, if: condition, then: taken, else: otherwise = [], before }) {
    const start = edit.known(after, "after");
    if (!start) return;
    if (taken.length + otherwise.length === 0) return edit.refuse("a branch has steps in then, in else, or in both");
    const source = bareSource(condition);
    const ends = [
      ...addSide(edit, { steps: taken, field: "then", after: start.key, condition: source }),
      ...addSide(edit, { steps: otherwise, field: "else", after: start.key, condition: `!(${source})` }),
    ];
    edit.holdBack(before, ends);
    // The side that is not taken is skipped: what waits for both goes on behind the other.
    for (const reference of before ?? []) {
      const vertex = edit.graph.find(reference);
      const trigger = vertex?.task?.trigger ?? vertex?.written?.["trigger"] ?? "all_succeeded";
      if (vertex?.mutability === "open" && trigger === "all_succeeded")
        vertex.written = { ...vertex.written, trigger: "none_failed" };
    }
  },

  insert_gate(edit, { after, key: named, ask, checks, reviews, gate_type }) {
    const start = edit.known(after, "after");
    if (!start) return;
    const holds = defined({ checks, reviews, gate_type });
    const isGate = Object.keys(holds).length > 0;
    if (isGate === (ask !== undefined))
      return edit.refuse(
        "a gate has checks (expressions), reviews (keys of steps), or an ask (a question to a person)",
      );
    const written = isGate ? { kind: "gate", ...holds } : { kind: "human", ask };
    const behind = edit.graph.dependentsOf(start.key);
    const name = edit.add(
      { ...written, key: named ?? gateKey(edit.graph, start.key) },
      named === undefined ? "after" : "key",
    );
    if (name === undefined) return;
    edit.graph.link(name, start.key);
    for (const dependent of behind) {
      const vertex = edit.open(dependent, "after");
      if (!vertex) continue;
      edit.graph.unlink(vertex.key, start.key);
      edit.graph.link(vertex.key, name);
    }
  },

  parallelize(edit, { tasks }) {
    const members = tasks.flatMap((task, at) => edit.open(task, `tasks[${at}]`) ?? []);
    if (members.length === tasks.length) sideBySide(edit.graph, members);
  },

  reprioritize(edit, { tasks, priority }) {
    const chosen =
      tasks === undefined
        ? [...edit.graph.all()].filter((vertex) => vertex.mutability === "open" && !isGathering(vertex))
        : tasks.flatMap((task, at) => edit.open(task, `tasks[${at}]`) ?? []);
    for (const vertex of chosen) vertex.priority = priority;
  },
};

/** Why a task that is held, or has ended, stays as it is. */
function whyFixed({ mutability, task }: Vertex): string {
  if (mutability === "ended") return "it has ended";
  // A waiting task has no holder: a person is asked, a time or an event is awaited, a child run goes on.
  if (task?.status === "waiting") return "it has begun to wait, and its wait cannot be changed; cancel_task ends it";
  return "its holder would be left with another task";
}

/** Each gate behind a task has a key of its own. */
function gateKey(graph: RunGraph, after: string): string {
  const name = `gate-${after}`;
  let free = name;
  for (let next = 2; graph.find(free); next++) free = `${name}-${next}`;
  return free;
}

interface Side {
  readonly steps: readonly JsonObject[];
  readonly field: string;
  readonly after: string;
  readonly condition: string;
}

/** The steps of one side of a branch: those that need no other of it begin it, if the condition holds. Gives its last. */
function addSide(edit: Edit, { steps, field, after, condition }: Side): string[] {
  const own = new Set(steps.flatMap(({ key: name }) => (typeof name === "string" ? [name] : [])));
  const names = steps.flatMap((written, at) => {
    const first = !(Array.isArray(written["needs"]) ? written["needs"] : []).some((need) => own.has(String(need)));
    if (first && "if" in written) edit.refuse("the condition of a branch is its own", `${field}[${at}].if`);
    const name = edit.add(first ? { ...written, if: condition } : written, `${field}[${at}]`);
    if (name === undefined) return [];
    if (first) edit.graph.link(name, after);
    return [name];
  });
  return names.filter((name) => !edit.graph.dependentsOf(name).some((dependent) => own.has(dependent)));
}

/** Takes the order among some tasks away, and keeps every order between them and the others. */
function sideBySide(graph: RunGraph, members: readonly Vertex[]): void {
  const group = new Set(members.map(({ key: name }) => name));
  const within = new Map(members.map((member) => [member.key, ancestorsWithin(graph, member, group)]));
  const outside = (name: string): string[] => [...(graph.find(name)?.needs ?? [])].filter((need) => !group.has(need));
  const needs = members.map((member) => [member.key, ...(within.get(member.key) ?? [])].flatMap(outside));
  for (const member of members) {
    for (const dependent of graph.dependentsOf(member.key)) {
      if (group.has(dependent)) continue;
      for (const ancestor of within.get(member.key) ?? []) graph.link(dependent, ancestor);
    }
  }
  members.forEach((member, at) => {
    for (const need of within.get(member.key) ?? []) graph.unlink(member.key, need);
    for (const need of needs[at] ?? []) graph.link(member.key, need);
  });
}

/** The members of a group that a member waits for through members alone. */
function ancestorsWithin(graph: RunGraph, member: Vertex, group: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [...member.needs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (!group.has(name) || found.has(name)) continue;
    found.add(name);
    open.push(...(graph.find(name)?.needs ?? []));
  }
  return found;
}

/** The elements of a list are called `key[0]`, `key[1]`, …; no step can be called so. */
function isElement({ key: name }: Vertex): boolean {
  return name.endsWith("]");
}

/** The step of a list waits for the tasks of its elements. */
export function isGathering({ key: name, needs }: Pick<Vertex, "key" | "needs">): boolean {
  return [...needs].some((need) => need.startsWith(elementPrefix(name)));
}

/** Applies changes to a graph, in their order; what is wrong with any is noted at its place. */
export function applyChanges(graph: RunGraph, changes: readonly unknown[], problems: Problems): void {
  changes.forEach((written, at) => {
    const place = `changes[${at}]`;
    const op = typeof written === "object" && written !== null && "op" in written ? written.op : undefined;
    if (typeof op !== "string" || !Object.hasOwn(SCHEMAS, op)) {
      problems.add({ path: `${place}.op`, message: `must be one of ${CHANGE_OPS.join(", ")}` });
      return;
    }
    const parsed = SCHEMAS[op as Op].safeParse(written, { error: missingFirst });
    if (!parsed.success) {
      for (const problem of zodProblems(parsed.error, ["changes", at])) problems.add(problem);
      return;
    }
    // The table has for each op a function that takes what its schema gives.
    const apply = APPLY[op as Op] as (edit: Edit, change: unknown) => void;
    apply(new Edit(graph, place, problems), parsed.data);
  });
}
