import { PRIORITY_NAMES } from "../base/statuses.js";
import { isObject, type JsonObject } from "../base/json.js";
import { nameFrom } from "../base/names.js";
import { objectIn, textOf, textsOf, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";
import { headingOf } from "./markdown-prose.js";

const RUN_LINE = /^Run (run_[0-9a-z]{16})\b/;
const ITEM = /^- \[(.)\] (.*)$/;
const COMMENT = "<!-- baton {";
const COMMENT_END = "-->";
const QUOTE = /^ {2}> ?(.*)$/;
const BOXES: Readonly<Record<string, TaskState>> = {
  " ": "open",
  x: "done",
  X: "done",
  "/": "started",
  "-": "dropped",
};
const STATES: Readonly<Record<string, TaskState>> = {
  succeeded: "done",
  running: "started",
  skipped: "dropped",
  cancelled: "dropped",
};

export function isRunExport(start: string): boolean {
  return /^\s*\{\s*"baton"\s*:\s*"run"/.test(start) || /<!-- baton \{/.test(start);
}

/** Reads what `baton export` writes of a run, as JSON or as a check list, in which boxes may have been ticked since. */
export function readRunExports(files: readonly SourceFile[]): ForeignPlan[] {
  return files.flatMap((file) => {
    const plan = file.text.trimStart().startsWith("{") ? planOfJson(file) : planOfList(file);
    return plan.tasks.length + plan.unmapped.length === 0 ? [] : [plan];
  });
}

interface Parts {
  readonly path: string;
  readonly run: string | undefined;
  /** The plan that the run was imported from. */
  readonly importedFrom?: string | undefined;
  readonly title: string | undefined;
  readonly tasks: readonly ForeignTask[];
  readonly unmapped: readonly Unmapped[];
}

function planFrom({ path, run, importedFrom, title, tasks, unmapped }: Parts): ForeignPlan {
  const own = new Map<string, ForeignTask>();
  const repeated: Unmapped[] = [];
  for (const task of tasks) {
    if (own.has(task.ref)) repeated.push({ place: task.place, what: task.ref, why: "stands twice: the first counts" });
    else own.set(task.ref, task);
  }
  return {
    format: "baton",
    source: importedFrom ?? (run === undefined ? path : `run/${run}`),
    exportOf: run,
    title: title ?? path,
    tasks: [...own.values()],
    unmapped: [...unmapped, ...repeated],
  };
}

function planOfJson({ path, text }: SourceFile): ForeignPlan {
  const document = objectIn(text) ?? {};
  const run = isObject(document["run"]) ? document["run"] : {};
  const listed: readonly unknown[] = Array.isArray(document["tasks"]) ? document["tasks"] : [];
  const unmapped: Unmapped[] =
    listed.length === 0 ? [{ place: path, what: "the file", why: "is no JSON, or has no tasks" }] : [];
  const importedFrom = textOf(run["imported_from"]);
  const tasks = listed.flatMap((task, at) => {
    const place = `${path}: tasks[${at}]`;
    const made = isObject(task) ? taskOf(task, { place, state: undefined }) : undefined;
    if (made === undefined) unmapped.push({ place, what: "an entry", why: "has no key or no title" });
    return made ?? [];
  });
  const common = { path, run: textOf(run["id"]), title: textOf(run["name"]), unmapped };
  if (importedFrom === undefined) return planFrom({ ...common, tasks });
  return planFrom({ ...common, importedFrom, tasks: withRefs(tasks, { listed, importedFrom }) });
}

/** Names tasks as the plan does that their run was imported from, and takes out the sentence about it, which each import adds. */
function withRefs(
  tasks: readonly ForeignTask[],
  { listed, importedFrom }: { readonly listed: readonly unknown[]; readonly importedFrom: string },
): ForeignTask[] {
  const refs = new Map(
    listed.flatMap((task): [string, string][] => {
      const [key, ref] = isObject(task) ? [textOf(task["key"]), textOf(task["ref"])] : [];
      return key === undefined || ref === undefined ? [] : [[key, ref]];
    }),
  );
  return tasks.map(({ ref: key, text, needs, ...task }) => {
    const ref = refs.get(key) ?? key;
    const about = `From ${importedFrom}, ${ref}.`;
    return {
      ...task,
      ref,
      text: text.endsWith(about) ? text.slice(0, -about.length).trimEnd() : text,
      needs: needs.map((need) => refs.get(need) ?? need),
    };
  });
}

function planOfList({ path, text }: SourceFile): ForeignPlan {
  const lines = text.split(/\r?\n/);
  const drafts: { fields: JsonObject; state: TaskState; place: string; prompt: string[] }[] = [];
  let [run, title] = [undefined as string | undefined, undefined as string | undefined];
  for (const [at, line] of lines.entries()) {
    title ??= headingOf(line)?.title;
    run ??= RUN_LINE.exec(line)?.[1];
    const [, mark = "", words] = ITEM.exec(line) ?? [];
    const quote = QUOTE.exec(line)?.[1];
    if (words !== undefined) {
      const { own, data } = partsOfItem(words);
      // A box that a person has added has no comment.
      const fields = objectIn(data) ?? { key: nameFrom(own.toLowerCase(), "task") };
      drafts.push({
        fields: { ...fields, title: own },
        state: BOXES[mark] ?? "open",
        place: `${path}:${at + 1}`,
        prompt: [],
      });
    } else if (quote !== undefined) drafts.at(-1)?.prompt.push(quote);
  }
  const unmapped: Unmapped[] = [];
  const tasks = drafts.flatMap(({ fields, state, place, prompt }) => {
    const made = taskOf({ ...fields, prompt: prompt.join("\n") }, { place, state });
    if (made === undefined) unmapped.push({ place, what: "an item", why: "has no key or no title" });
    return made ?? [];
  });
  return planFrom({ path, run, title: title === undefined ? undefined : unescaped(title), tasks, unmapped });
}

function partsOfItem(words: string): { own: string; data: string } {
  const from = words.lastIndexOf(COMMENT);
  const to = words.lastIndexOf(COMMENT_END);
  if (from < 0 || to < from) return { own: unescaped(words), data: "" };
  return { own: unescaped(words.slice(0, from)), data: words.slice(from + COMMENT.length - 1, to) };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([\\`*_[\]<>#|~])/g, "$1").trim();
}

function taskOf(
  fields: JsonObject,
  { place, state }: { place: string; state: TaskState | undefined },
): ForeignTask | undefined {
  const [key, said] = [textOf(fields["key"]), textOf(fields["title"])];
  if (key === undefined || said === undefined) return undefined;
  const prompt = textOf(fields["prompt"]);
  const status = textOf(fields["status"]) ?? "";
  const files = isObject(fields["files"]) ? fields["files"]["write"] : fields["files"];
  // The prompt of an imported task begins with its title.
  const rest = prompt?.startsWith(said) === true ? prompt.slice(said.length).trim() : prompt;
  return {
    ref: key,
    ...titleAndText(said, rest),
    state: state ?? (Object.hasOwn(STATES, status) ? STATES[status] : undefined) ?? "open",
    needs: textsOf(fields["needs"]),
    files: textsOf(files),
    // The usual priority is that of a task whose plan says none.
    priority: PRIORITY_NAMES.find((name) => name === textOf(fields["priority"]) && name !== "normal"),
    place,
  };
}
