import { isObject, type JsonObject } from "../base/json.js";
import { sections, textOf, textsOf, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";

const STATES: Readonly<Record<string, TaskState>> = {
  pending: "open",
  blocked: "open",
  review: "started",
  "in-progress": "started",
  done: "done",
  completed: "done",
  deferred: "dropped",
  cancelled: "dropped",
};
const PRIORITIES = new Set(["critical", "high", "low"]);

/** Reads Task Master's `tasks.json`: a plan a tag, whose ids are its own. Subtasks have the id `TASK.SUBTASK`. */
export function readTaskmaster(files: readonly SourceFile[]): ForeignPlan[] {
  return files.flatMap(({ path, text }) => {
    const broken = (why: string): ForeignPlan[] => [
      {
        format: "taskmaster",
        source: path,
        title: path,
        tasks: [],
        unmapped: [{ place: path, what: "the file", why }],
      },
    ];
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return broken(`is no JSON: ${error.message}`);
    }
    if (!isObject(parsed)) return broken("is no object with tasks");
    const tags: [tag: string, tasks: unknown][] = Array.isArray(parsed["tasks"])
      ? [["master", parsed["tasks"]]]
      : Object.entries(parsed).flatMap(([tag, value]) =>
          isObject(value) && Array.isArray(value["tasks"]) ? [[tag, value["tasks"]]] : [],
        );
    if (tags.length === 0) return broken("has no list called tasks");
    return tags.map(([tag, tasks]) => planOf(path, tag, tasks as readonly unknown[]));
  });
}

function planOf(path: string, tag: string, listed: readonly unknown[]): ForeignPlan {
  const unmapped: Unmapped[] = [];
  const tasks = listed.flatMap((task, at) => tasksOf(task, { place: `${path}: ${tag}.tasks[${at}]`, unmapped }));
  // Two packages of one repository may each have a folder of it.
  const within = path.replace(/(?:^|\/)(?:\.taskmaster\/)?(?:tasks\/)?[^/]*$/, "");
  const source = [within, "taskmaster", tag].filter((part) => part !== "").join("/");
  return { format: "taskmaster", source, title: tag === "master" ? "taskmaster" : tag, tasks, unmapped };
}

interface Site {
  readonly place: string;
  readonly unmapped: Unmapped[];
  readonly parent?: { readonly ref: string; readonly siblings: ReadonlySet<string>; readonly level: number };
}

const LEVELS_MAX = 10;

/** A task with its subtasks behind it, and theirs. */
function tasksOf(entry: unknown, site: Site): ForeignTask[] {
  const { place, unmapped, parent } = site;
  const task = isObject(entry) ? entry : {};
  const [id, title] = [textOf(task["id"]), textOf(task["title"])];
  if (id === undefined || title === undefined) {
    unmapped.push({ place, what: title ?? id ?? "an entry", why: "has no id or no title" });
    return [];
  }
  const ref = parent === undefined || id.startsWith(`${parent.ref}.`) ? id : `${parent.ref}.${id}`;
  const own = ownTask(task, { ref, title, site });
  const subtasks: readonly unknown[] = Array.isArray(task["subtasks"]) ? task["subtasks"] : [];
  if (subtasks.length === 0) return [own];
  const level = (parent?.level ?? 0) + 1;
  if (level > LEVELS_MAX) {
    unmapped.push({ place, what: `subtasks of ${ref}`, why: `stand more than ${LEVELS_MAX} levels deep` });
    return [own];
  }
  const siblings = new Set(subtasks.flatMap((one) => (isObject(one) ? (textOf(one["id"]) ?? []) : [])));
  const within = { unmapped, parent: { ref, siblings, level } };
  return [own, ...subtasks.flatMap((one, at) => tasksOf(one, { ...within, place: `${place}.subtasks[${at}]` }))];
}

function ownTask(task: JsonObject, { ref, title, site }: { ref: string; title: string; site: Site }): ForeignTask {
  const { place, unmapped, parent } = site;
  const status = textOf(task["status"]) ?? "pending";
  const state = Object.hasOwn(STATES, status) ? STATES[status] : undefined;
  if (state === undefined)
    unmapped.push({ place, what: `status ${status}`, why: "is none that is known: counts as open" });
  const priority = textOf(task["priority"]);
  return {
    ref,
    ...wordsOf(task, title),
    state: state ?? "open",
    needs: textsOf(task["dependencies"] ?? []).map((need) => refOf(need, parent)),
    parent: parent?.ref,
    priority: PRIORITIES.has(priority ?? "") ? (priority as ForeignTask["priority"]) : undefined,
    assignee: textOf(task["assignee"]),
    place,
  };
}

/** A subtask names a sibling by its number alone, another task's subtask by `TASK.SUBTASK`. */
function refOf(need: string, parent: Site["parent"]): string {
  return parent?.siblings.has(need) === true && !need.startsWith(`${parent.ref}.`) ? `${parent.ref}.${need}` : need;
}

function wordsOf(task: JsonObject, title: string): { title: string; text: string } {
  const criteria = task["acceptanceCriteria"];
  const about = sections(textOf(task["description"]) ?? "", {
    Details: textOf(task["details"]),
    "Test strategy": textOf(task["testStrategy"]),
    "Acceptance criteria": Array.isArray(criteria)
      ? textsOf(criteria)
          .map((one) => `- ${one}`)
          .join("\n")
      : textOf(criteria),
  });
  return titleAndText(title, about);
}
