import { grouped } from "../base/lists/groups.js";
import { parseDocument } from "yaml";
import { paragraphs, textOf, textsOf, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";

/** Fields of front matter or of config.yml: texts and lists of texts, by name. */
type Fields = ReadonlyMap<unknown, unknown>;

interface TaskFile {
  readonly id: string;
  readonly path: string;
  readonly folder: string;
  readonly fields: Fields;
  readonly body: string;
}

/** Paths of tasks, with the folder of the tool and the folder in it. */
export const TASK_PATH = /^(?:(.*?)\/)?(tasks|completed|drafts|archive\/(?:tasks|drafts|completed))\/[^/]+\.md$/;

/** Reads folders as Backlog.md keeps them: a file a task in `tasks` and `completed`, with the words of `config.yml`. */
export function readBacklogMd(files: readonly SourceFile[]): ForeignPlan[] {
  const ofTasks = files.filter(({ path }) => TASK_PATH.test(path));
  const byRoot = grouped(ofTasks, ({ path }) => TASK_PATH.exec(path)?.[1] ?? "");
  return [...byRoot].map(([root, own]) => {
    const names = ["config.yml", "config.yaml"].map((name) => (root === "" ? name : `${root}/${name}`));
    return planOf(
      root,
      own,
      files.find(({ path }) => names.includes(path) || path.endsWith("backlog.config.yml")),
    );
  });
}

function planOf(root: string, files: readonly SourceFile[], config: SourceFile | undefined): ForeignPlan {
  const unmapped: Unmapped[] = [];
  const settings = config === undefined ? undefined : fieldsOf(config.text);
  if (config !== undefined && settings === undefined)
    unmapped.push({
      place: config.path,
      what: "the configuration",
      why: "is no YAML: the usual words of states count",
    });
  const tasks = taskFilesOf(files, unmapped);
  const statuses = textsOf(settings?.get("statuses"));
  const context = { refs: refsByNumber([...tasks.values()]), statuses, unmapped };
  return {
    format: "backlog-md",
    source: root === "" ? "backlog" : root,
    title: textOf(settings?.get("project_name")) ?? "Backlog",
    tasks: [...tasks.values()].sort(byOrder).map((task) => taskOf(task, context)),
    unmapped,
  };
}

/** The tasks by id. Drafts and archived ones are no work. */
function taskFilesOf(files: readonly SourceFile[], unmapped: Unmapped[]): Map<string, TaskFile> {
  const tasks = new Map<string, TaskFile>();
  for (const { path, text } of files) {
    const folder = TASK_PATH.exec(path)?.[2] ?? "tasks";
    const { head, body } = partsOf(text);
    const fields = head === undefined ? undefined : fieldsOf(head);
    const id = textOf(fields?.get("id"));
    const what = [id, textOf(fields?.get("title"))].filter(Boolean).join(" ").slice(0, 100) || "the file";
    const known = id === undefined ? undefined : tasks.get(id.toLowerCase());
    const why = whyNoTask(folder, { fields, id, known });
    if (why !== undefined) unmapped.push({ place: path, what, why });
    else if (fields !== undefined && id !== undefined) tasks.set(id.toLowerCase(), { id, path, folder, fields, body });
  }
  return tasks;
}

interface Content {
  readonly fields: Fields | undefined;
  readonly id: string | undefined;
  readonly known: TaskFile | undefined;
}

function whyNoTask(folder: string, { fields, id, known }: Content): string | undefined {
  if (folder === "drafts") return "is a draft: promote it there and import again";
  if (folder.startsWith("archive")) return "is archived";
  if (fields === undefined) return "has no front matter that is YAML between two lines of ---";
  if (id === undefined) return "has no id";
  return known === undefined ? undefined : `has the id of ${known.path}, which counts`;
}

function partsOf(text: string): { head: string | undefined; body: string } {
  const lines = text.split(/\r?\n/);
  const end = lines[0]?.trimEnd() === "---" ? lines.findIndex((line, at) => at > 0 && line.trimEnd() === "---") : -1;
  if (end < 0) return { head: undefined, body: text };
  return { head: lines.slice(1, end).join("\n"), body: lines.slice(end + 1).join("\n") };
}

const YAML_CHARS_MAX = 16_000;

/** Every value as text: ids such as 355.10 and dates stay as they are written. */
function fieldsOf(yaml: string): Fields | undefined {
  if (yaml.length > YAML_CHARS_MAX) return undefined;
  try {
    const document = parseDocument(yaml, {
      schema: "failsafe",
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    const value: unknown = document.errors.length > 0 ? undefined : document.toJS({ mapAsMap: true, maxAliasCount: 0 });
    return value instanceof Map ? value : undefined;
  } catch (error) {
    // Aliases, and nesting beyond the stack.
    if (error instanceof ReferenceError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The numbers in an id: `task-355.01` and `BACK-355.1` are one. */
function numberOf(id: string): string {
  const number = /\d+(?:\.\d+)*$/.exec(id)?.[0] ?? id.toLowerCase();
  return number.replaceAll(/(^|\.)0+(?=\d)/g, "$1");
}

/** Ids by their numbers: a dependency is often written with another prefix than the id. Undefined where two share one. */
function refsByNumber(tasks: readonly TaskFile[]): Map<string, string | undefined> {
  const refs = new Map<string, string | undefined>();
  for (const { id } of tasks) {
    const number = numberOf(id);
    refs.set(number, refs.has(number) ? undefined : id);
  }
  for (const { id } of tasks) refs.set(id.toLowerCase(), id);
  return refs;
}

interface Context {
  readonly refs: ReadonlyMap<string, string | undefined>;
  readonly statuses: readonly string[];
  readonly unmapped: Unmapped[];
}

function taskOf(task: TaskFile, context: Context): ForeignTask {
  const { fields, path } = task;
  const refOf = (id: string) => context.refs.get(id.toLowerCase()) ?? context.refs.get(numberOf(id)) ?? id;
  const { title, text } = titleAndText(textOf(fields.get("title")) ?? task.id, plainBody(task.body));
  const further = [...textsOf(fields.get("references")), ...textsOf(fields.get("documentation"))];
  const parent = textOf(fields.get("parent_task_id"));
  const milestone = textOf(fields.get("milestone"));
  return {
    ref: task.id,
    title,
    text: paragraphs([text, further.length === 0 ? undefined : `See also: ${further.join(", ")}`]),
    state: stateOf(task, context),
    needs: [...new Set(textsOf(fields.get("dependencies")).map(refOf))].filter((need) => need !== task.id),
    parent: parent === undefined ? undefined : refOf(parent),
    files: textsOf(fields.get("modified_files")),
    priority: priorityOf(textOf(fields.get("priority"))),
    labels: [
      ...textsOf(fields.get("type")),
      ...textsOf(fields.get("labels")),
      ...(milestone === undefined ? [] : [`milestone: ${milestone}`]),
    ],
    assignee: textsOf(fields.get("assignee"))[0],
    place: path,
  };
}

/** The body without the marks by which the tool finds its sections. */
function plainBody(body: string): string {
  return body
    .replaceAll(/^<!-- (?:SECTION:[A-Z_]+|AC|DOD):(?:BEGIN|END) -->$/gm, "")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

const WORDS: Readonly<Record<string, TaskState>> = {
  todo: "open",
  open: "open",
  backlog: "open",
  ready: "open",
  blocked: "open",
  inprogress: "started",
  doing: "started",
  started: "started",
  review: "started",
  inreview: "started",
  done: "done",
  complete: "done",
  completed: "done",
  closed: "done",
  cancelled: "dropped",
  canceled: "dropped",
  wontdo: "dropped",
};

/** The state that a status means: by its word, else by its place in the configuration, where the last is done. */
function stateOf({ fields, folder, id, path }: TaskFile, { statuses, unmapped }: Context): TaskState {
  if (folder === "completed") return "done";
  const status = textOf(fields.get("status"));
  if (status === undefined) return "open";
  const word = wordOf(status);
  const place = statuses.map(wordOf).indexOf(word);
  if (WORDS[word] === "dropped") return "dropped";
  if (place > 0 && place === statuses.length - 1) return "done";
  if (Object.hasOwn(WORDS, word)) return WORDS[word] ?? "open";
  if (place >= 0) return place === 0 ? "open" : "started";
  unmapped.push({
    place: path,
    what: `status "${status.slice(0, 60)}" of ${id}`,
    why: "is not in config.yml: counts as open",
  });
  return "open";
}

/** Letters only: boards decorate their states, as in "✔ Done". */
function wordOf(status: string): string {
  return status.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
}

function priorityOf(word: string | undefined): ForeignTask["priority"] {
  if (word === "medium") return "normal";
  return word === "critical" || word === "high" || word === "low" ? word : undefined;
}

/** By ordinal, as on the board; tasks without one in the order of their numbers. */
function byOrder(a: TaskFile, b: TaskFile): number {
  const [first, second] = [ordinalOf(a), ordinalOf(b)];
  if (first !== second) return first < second ? -1 : 1;
  return numberOf(a.id).localeCompare(numberOf(b.id), "en", { numeric: true });
}

function ordinalOf({ fields }: TaskFile): number {
  const ordinal = Number(textOf(fields.get("ordinal")) ?? "x");
  return Number.isFinite(ordinal) ? ordinal : Infinity;
}
