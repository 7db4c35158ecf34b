import { PRIORITY_NAMES } from "../base/statuses.js";
import { paragraphs, titleAndText } from "./contents.js";
import type { ForeignPlan, ForeignTask, SourceFile, TaskState, Unmapped } from "./foreign-plan.js";
import { headingOf, type ProseLine, proseOf } from "./markdown-prose.js";

const BOX = /^([ \t]*)([-*+]|\d{1,9}[.)])\s+\[(.)\](?:\s+(.*))?$/;
const STATES: Readonly<Record<string, TaskState>> = {
  " ": "open",
  x: "done",
  X: "done",
  "~": "started",
  "/": "started",
  "-": "dropped",
};
/** A list in parentheses at the end of an item: `(id: ship; needs: test, docs; files: src/a.ts)`. */
const NOTES = /\s*\(((?:id|needs|files|priority):[^()]{1,2000})\)\s*$/;
const TAB = "    ";
const ITEMS_MAX = 20_000;

interface Item {
  readonly indent: number;
  /** Whether its list is numbered: each item of such a list waits for the one before it. */
  readonly numbered: boolean;
  readonly ref: string;
  readonly headings: readonly string[];
  readonly words: string;
  readonly further: string[];
  readonly state: TaskState;
  readonly notes: ReadonlyMap<string, string>;
  readonly parent: Item | undefined;
  readonly before: Item | undefined;
  readonly place: string;
}

/** Reads the check boxes of Markdown files, a plan a file. Boxes in code, comments and tables are none. */
export function readMarkdown(files: readonly SourceFile[]): ForeignPlan[] {
  return files.flatMap((file) => {
    const { items, title, unmapped } = new CheckList(file).read();
    if (items.length === 0) return [];
    const tasks = items.map(taskOf);
    return [{ format: "markdown", source: file.path, title: title ?? nameOfFile(file.path), tasks, unmapped }];
  });
}

function nameOfFile(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.[^.]*$/, "");
}

/** Items in their order, each with the ones it stands below. */
class CheckList {
  readonly #file: SourceFile;
  readonly #items: Item[] = [];
  readonly #unmapped: Unmapped[] = [];
  readonly #refs = new Map<string, number>();
  #headings: { level: number; title: string }[] = [];
  /** The item of each indentation that the present line may stand below. */
  #open: Item[] = [];

  constructor(file: SourceFile) {
    this.#file = file;
  }

  read() {
    const lines = proseOf(this.#file.text);
    for (const line of lines) this.#take(line);
    if (this.#items.length >= ITEMS_MAX)
      this.#unmapped.push({ place: this.#file.path, what: "the rest", why: `is beyond ${ITEMS_MAX} items` });
    const title = lines.map(({ text }) => headingOf(text)).find((heading) => heading?.level === 1)?.title;
    return { items: this.#items, title, unmapped: this.#unmapped };
  }

  #take(line: ProseLine): void {
    const heading = headingOf(line.text);
    if (heading !== undefined) {
      this.#headings = [...this.#headings.filter(({ level }) => level < heading.level), heading];
      this.#open = [];
      return;
    }
    const [, space = "", bullet = "", mark = "", rest = ""] = BOX.exec(line.text) ?? [];
    if (bullet === "") this.#addWords(line.text);
    else this.#add({ line, indent: widthOf(space), numbered: /\d/.test(bullet), mark, rest });
  }

  /** A line that is no item belongs to the item that it is indented below, or ends the list. */
  #addWords(text: string): void {
    if (text.trim() === "") return;
    const indent = widthOf(/^[ \t]*/.exec(text)?.[0] ?? "");
    this.#open = this.#open.filter((item) => item.indent < indent);
    this.#open.at(-1)?.further.push(text);
  }

  #add({ line, indent, numbered, mark, rest }: Box): void {
    if (this.#items.length >= ITEMS_MAX) return;
    const { words, notes } = withNotes(rest);
    const place = `${this.#file.path}:${line.number}`;
    const state = Object.hasOwn(STATES, mark) ? STATES[mark] : undefined;
    if (words === "" || state === undefined) {
      const why = words === "" ? "says nothing" : `has the mark [${mark}], which is none that is known`;
      this.#unmapped.push({ place, what: line.text.trim().slice(0, 100), why });
      return;
    }
    const before = this.#open.find((item) => item.indent === indent && item.numbered && numbered);
    this.#open = this.#open.filter((item) => item.indent < indent);
    const headings = this.#headings.filter(({ level }) => level > 1).map(({ title }) => title);
    const item: Item = {
      indent,
      numbered,
      ref: this.#refOf(notes.get("id"), words),
      headings,
      words,
      further: [],
      state,
      notes,
      parent: this.#open.at(-1),
      before,
      place,
    };
    this.#open.push(item);
    this.#items.push(item);
  }

  /** The id that an item says, else its words: they are all that stays when lines move. Equal words are numbered. */
  #refOf(said: string | undefined, words: string): string {
    const base = said ?? idOf(words) ?? slugOf(words);
    const number = (this.#refs.get(base) ?? 0) + 1;
    this.#refs.set(base, number);
    return number === 1 || said !== undefined ? base : `${base}-${number}`;
  }
}

interface Box {
  readonly line: ProseLine;
  readonly indent: number;
  readonly numbered: boolean;
  readonly mark: string;
  readonly rest: string;
}

function widthOf(space: string): number {
  return space.replaceAll("\t", TAB).length;
}

function withNotes(rest: string): { words: string; notes: Map<string, string> } {
  const said = NOTES.exec(rest.slice(-2_100))?.[0];
  if (said === undefined) return { words: rest.trim(), notes: new Map() };
  const parts = said.trim().slice(1, -1).split(";");
  const notes = parts.flatMap((part): [string, string][] => {
    const at = part.indexOf(":");
    return at < 0 ? [] : [[part.slice(0, at).trim(), part.slice(at + 1).trim()]];
  });
  return { words: rest.slice(0, rest.length - said.length).trim(), notes: new Map(notes) };
}

/** An id that stands before the words, such as `CHK001` or `#12`. */
function idOf(words: string): string | undefined {
  return /^(?:\*\*)?([A-Z]{1,10}-?\d{1,6}(?:\.\d+)?|#\d{1,9})(?:\*\*)?[:.)]?\s/.exec(words)?.[1];
}

const SLUG_CHARS_MAX = 80;

function slugOf(words: string): string {
  const slug = words.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "-");
  return slug.slice(0, SLUG_CHARS_MAX).replaceAll(/^-+|-+$/g, "") || "task";
}

function taskOf({ notes, before, parent, ...item }: Item): ForeignTask {
  const list = (name: string): string[] =>
    (notes.get(name) ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
  const where = item.headings.length === 0 ? undefined : `Under: ${item.headings.join(" / ")}`;
  return {
    ref: item.ref,
    ...titleAndText(item.words, paragraphs([item.further.join("\n"), where])),
    state: item.state,
    needs: [...list("needs"), ...(before === undefined ? [] : [before.ref])],
    parent: parent?.ref,
    files: list("files"),
    priority: PRIORITY_NAMES.find((name) => name === notes.get("priority")),
    place: item.place,
  };
}
