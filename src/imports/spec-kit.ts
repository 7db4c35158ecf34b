import { paragraphs, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";
import { headingOf, proseOf } from "./markdown-prose.js";
import { needsOf, type PlanPhase, type SpecKitTask } from "./spec-kit-order.js";
import { pathsWritten } from "./written-paths.js";

interface Draft {
  title: string | undefined;
  readonly phases: PlanPhase[];
  /** Lines of the document about the order of its phases. */
  readonly order: string[];
  readonly unmapped: Unmapped[];
}

const BOX = /^(\s*)(?:[-*+]|\d+[.)])\s+\[([ xX~/-])\]\s+(.*)$/;
const ID = /^(?:\*\*|~~)*(T\d+[a-zA-Z]?(?:[.-]\d+)*)(?:\*\*)?[:.]?\s+(.*)$/;
const TAG = /^\[([^\]]{1,40})\]\s*/;
const ABOUT = /^\*\*(Goal|Purpose|Independent Test)\*\*:?\s*(.+)$/;
const STATES: Readonly<Record<string, TaskState>> = {
  x: "done",
  X: "done",
  "~": "started",
  "/": "started",
  "-": "dropped",
};

/** Reads `specs/NNN-name/tasks.md` as spec-kit's /speckit.tasks writes it: a plan a file. */
export function readSpecKit(files: readonly SourceFile[]): ForeignPlan[] {
  return files.flatMap((file) => {
    const plan = planOf(file);
    return plan.tasks.length + plan.unmapped.length === 0 ? [] : [plan];
  });
}

function planOf({ path, text }: SourceFile): ForeignPlan {
  const draft = draftOf(text, path);
  const title = draft.title?.replace(/^Tasks:\s*/i, "") ?? path;
  if (/\[FEATURE( NAME)?\]/.test(title)) {
    const why = "is spec-kit's template, whose tasks are samples: /speckit.tasks makes a plan of it in specs/";
    return { format: "spec-kit", source: path, title, tasks: [], unmapped: [{ place: path, what: "the file", why }] };
  }
  const needs = needsOf(draft.phases, draft.order);
  const design = /^(.*specs\/[^/]+)\/tasks\.md$/.exec(path)?.[1];
  const tasks = draft.phases.flatMap((phase) =>
    phase.sections.flat().map((line) => taskOf(line, { phase, design, needs: needs.get(line.id) ?? [] })),
  );
  return { format: "spec-kit", source: path, title, tasks, unmapped: draft.unmapped };
}

function draftOf(text: string, path: string): Draft {
  const draft: Draft = { title: undefined, phases: [], order: [], unmapped: [] };
  const ids = new Map<string, string>();
  let [phase, open, heading] = [newPhase(""), undefined as SpecKitTask | undefined, ""];
  for (const line of proseOf(text)) {
    const next = headingOf(line.text);
    if (next !== undefined) {
      if (next.level === 1) draft.title ??= next.title;
      // Below each further heading the tasks are a section of their own.
      if (next.level <= 2) phase = newPhase(next.title);
      else phase.sections.push([]);
      [open, heading] = [undefined, next.level <= 2 ? next.title : `${phase.title} ${next.title}`];
      continue;
    }
    const read = lineOf(line.text, `${path}:${line.number}`);
    const known = read === undefined ? undefined : ids.get(read.id);
    if (read !== undefined && known === undefined) {
      ids.set(read.id, read.place);
      if (!draft.phases.includes(phase)) draft.phases.push(phase);
      phase.sections.at(-1)?.push(read);
      open = read;
    } else if (read !== undefined) {
      draft.unmapped.push({ place: read.place, what: read.id, why: `has the id of ${known}, which counts` });
      open = undefined;
    } else open = addWords(line, { draft, phase, open, heading, path });
  }
  return draft;
}

function newPhase(title: string): PlanPhase {
  return { title, about: [], sections: [[]] };
}

interface At {
  readonly draft: Draft;
  readonly phase: PlanPhase;
  readonly open: SpecKitTask | undefined;
  readonly heading: string;
  readonly path: string;
}

/** Adds a line that is no task to what it belongs to. Returns the task that the next line may continue. */
function addWords({ text, number }: { text: string; number: number }, at: At): SpecKitTask | undefined {
  const { draft, phase, open, heading, path } = at;
  const isIndented = /^\s+\S/.test(text);
  if (open !== undefined && (isIndented || text.trim() === "")) {
    if (isIndented) open.words.push(text);
    return open;
  }
  const box = BOX.exec(text);
  if (box !== null) {
    const why = "has no id such as T001, by which a later import would know it";
    draft.unmapped.push({ place: `${path}:${number}`, what: (box[3] ?? "").slice(0, 100), why });
  } else if (/dependenc|order/i.test(heading)) draft.order.push(text);
  else {
    const [, name, words] = ABOUT.exec(text) ?? [];
    if (name !== undefined) phase.about.push(`${name}: ${words}`);
  }
  return undefined;
}

function lineOf(text: string, place: string): SpecKitTask | undefined {
  const [, , mark = "", content = ""] = BOX.exec(text) ?? [];
  const [, id, rest = ""] = ID.exec(content) ?? [];
  if (id === undefined) return undefined;
  let words = rest;
  let parallel = false;
  const labels: string[] = [];
  for (let tag = TAG.exec(words); tag !== null; tag = TAG.exec(words)) {
    if (tag[1] === "P") parallel = true;
    else labels.push(tag[1] ?? "");
    words = words.slice(tag[0].length);
  }
  const isStruck = /^~~.*~~$/.test(content.trim()) || /^~~.*~~$/.test(words.trim());
  const state = STATES[mark] ?? (isStruck ? "dropped" : "open");
  return { id, state, parallel, labels, words: [words], place };
}

function taskOf(
  line: SpecKitTask,
  { phase, design, needs }: { phase: PlanPhase; design: string | undefined; needs: readonly string[] },
): ForeignTask {
  const [first = "", ...further] = line.words;
  // Lines that only wrap the description belong to it; lists below it are text.
  const wraps = further.findIndex((words) => /^\s*(?:[-*+]|\d+[.)])\s/.test(words));
  const wrapped = wraps < 0 ? further : further.slice(0, wraps);
  const description = [first, ...wrapped.map((words) => words.trim())].join(" ");
  const { title, text } = titleAndText(
    description.trim() === "" ? line.id : description,
    wraps < 0 ? undefined : further.slice(wraps).join("\n"),
  );
  const where = phase.title === "" ? undefined : [phase.title, ...phase.about].join("\n");
  const documents =
    design === undefined ? undefined : `Design documents: ${design}/ (spec.md, plan.md and what lies beside them).`;
  return {
    ref: line.id,
    title,
    text: paragraphs([text, where, documents]),
    state: line.state,
    needs,
    files: pathsWritten(description),
    priority: { P1: "high", P2: "normal", P3: "low" }[
      /\bPriority:?\s*(P[123])\b/.exec(phase.title)?.[1] ?? ""
    ] as ForeignTask["priority"],
    labels: line.labels,
    place: line.place,
  };
}
