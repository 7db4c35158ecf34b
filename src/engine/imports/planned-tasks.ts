import { hashOfInput, type JsonObject } from "../../base/json.js";
import { TITLE_CHARS_MAX } from "../../base/limits.js";
import { nameFrom } from "../../base/names.js";
import { storableText } from "../../base/texts/stored-values.js";
import type { ForeignPlan, ForeignTask, TaskState, Unmapped } from "../../imports/foreign-plan.js";
import { ImportedFiles } from "../workflows/import-files.js";
import { plainText } from "../workflows/wfformat.js";
import { orderOf } from "./plan-order.js";

/** A task of a plan as the run would have it. */
export interface PlannedTask {
  readonly ref: string;
  readonly key: string;
  readonly title: string;
  readonly state: TaskState;
  /** Without its key and its needs. */
  readonly step: JsonObject;
  /** Refs of tasks of the plan, whatever their state. */
  readonly needs: readonly string[];
  /** Equal while the source says the same. */
  readonly digest: string;
}

export interface PlannedTasks {
  /** By ref, in the order of the plan. */
  readonly tasks: ReadonlyMap<string, PlannedTask>;
  readonly unmapped: readonly Unmapped[];
}

/** Keys that are taken: those of tasks that were imported earlier by their ref, and all of the run. */
export interface KnownKeys {
  readonly byRef: ReadonlyMap<string, string>;
  readonly taken: Iterable<string>;
}

/** Whether work remains of a task. */
export function isLive({ state }: Pick<PlannedTask, "state">): boolean {
  return state === "open" || state === "started";
}

/** Makes the tasks of a run out of those of a plan. Texts of a plan hold no expressions, and its paths lead nowhere else. */
export function plannedTasks(plan: ForeignPlan, known: KnownKeys): PlannedTasks {
  const unmapped: Unmapped[] = [...plan.unmapped];
  const given = new Map<string, ForeignTask>();
  for (const task of plan.tasks) {
    const first = given.get(task.ref);
    if (first === undefined) given.set(task.ref, task);
    else unmapped.push({ place: task.place, what: task.title, why: `${first.place} has the id ${task.ref} already` });
  }
  const order = orderOf(given);
  const keys = keysFor([...given.keys()], known);
  const files = new ImportedFiles();
  const tasks = [...given.values()].map((task): PlannedTask => {
    const step = stepOf(task, plan, files);
    const needs = [...(order.needs.get(task.ref) ?? [])];
    return {
      ref: task.ref,
      key: keys.get(task.ref) ?? "",
      title: String(step["title"]),
      state: isDropped(task, given) ? "dropped" : task.state,
      step,
      needs,
      digest: hashOfInput([step, needs.toSorted()]).slice(0, DIGEST_CHARS),
    };
  });
  return { tasks: new Map(tasks.map((task) => [task.ref, task])), unmapped: [...unmapped, ...order.unmapped] };
}

const DIGEST_CHARS = 16;
const PARENTS_MAX = 100;

/** Parts of what was dropped are dropped too, but for those that are done. */
function isDropped(task: ForeignTask, tasks: ReadonlyMap<string, ForeignTask>): boolean {
  if (task.state === "done") return false;
  let whole: ForeignTask | undefined = task;
  for (let level = 0; whole !== undefined && level < PARENTS_MAX; level += 1) {
    if (whole.state === "dropped") return true;
    whole = whole.parent === undefined ? undefined : tasks.get(whole.parent);
  }
  return false;
}

const KEY_CHARS_MAX = 90;

function keysFor(refs: readonly string[], { byRef, taken: others }: KnownKeys): Map<string, string> {
  const taken = new Set([...others, ...byRef.values()]);
  // Where the next number is looked for: many refs may come to the same key.
  const numbers = new Map<string, number>();
  const keys = new Map<string, string>();
  for (const ref of refs) {
    const earlier = byRef.get(ref);
    if (earlier !== undefined) {
      keys.set(ref, earlier);
      continue;
    }
    const base = nameFrom(ref, "task").slice(0, KEY_CHARS_MAX);
    let key = base;
    let number = numbers.get(base) ?? 2;
    for (; taken.has(key); number += 1) key = `${base}-${number}`;
    numbers.set(base, number);
    taken.add(key);
    keys.set(ref, key);
  }
  return keys;
}

const TEXT_CHARS_MAX = 50_000;
const REF_CHARS_MAX = 200;
const LABELS_SHOWN_MAX = 50;
const FILES_MAX = 200;

function stepOf(task: ForeignTask, plan: ForeignPlan, files: ImportedFiles): JsonObject {
  const title = plainText(storableText(task.title), TITLE_CHARS_MAX);
  const labels = (task.labels ?? []).slice(0, LABELS_SHOWN_MAX);
  const about = [
    `From ${plan.source}, ${task.ref.slice(0, REF_CHARS_MAX)}.`,
    ...(labels.length === 0 ? [] : [`Labels: ${labels.join(", ")}.`]),
    ...(task.assignee === undefined ? [] : [`Assigned there to ${task.assignee}.`]),
  ].join(" ");
  const text = plainText(storableText(task.text), TEXT_CHARS_MAX);
  const parts = [title, text, plainText(storableText(about), TEXT_CHARS_MAX)].filter((part) => part.trim() !== "");
  const write = files.pathsOf((task.files ?? []).slice(0, FILES_MAX).map(storableText));
  return {
    title,
    prompt: parts.join("\n\n"),
    ...(write.length === 0 ? {} : { files: { write } }),
    ...(task.priority === undefined ? {} : { priority: task.priority }),
  };
}
