import { describe, expect, test } from "vitest";
import { lineOf, parseSource, readSource, type Source, typescriptFiles } from "./source.js";

/**
 * First words that leave a sentence without its subject, or name no process, agent or row. A comment and a title of a test begin with
 * their subject and say what, then why.
 */
const HEADLESS =
  /^(?:What|Whoever|Who|Whom|Whose|Whatever|Whichever|Of (?:a|an|the|all|them|those|that|each|what)|One that|Those|That which|Gives?|None|(?:And|But) (?!(?:if|when)\b)|Nobody|Somebody|Anybody)\b/;
const HEADLESS_TITLE = new RegExp(HEADLESS.source, "i");
const PRONOUNS = /\b(?:nobody|somebody|anybody|whoever|whomever)\b/i;

/** A word of a private language, and the field's own word for it. `in` are the identifiers, or all that is written. */
interface PrivateWord {
  word: RegExp;
  in: "names" | "all";
  say: string;
}

// oxfmt-ignore
const PRIVATE: readonly PrivateWord[] = [
  { word: /\b(?:burials?|bury|buried|buries|burying)\b/i, in: "all", say: "record a dead letter, DeadLetterDraft" },
  { word: /\b(?:asker|askings?)\b/i, in: "names", say: "Elicitor, elicitation, Requester" },
  { word: /\bdesks?\b/i, in: "all", say: "CommandContext, ElicitationHost, EngineHandle, …Fixture" },
  { word: /\bchores?\b/i, in: "all", say: "job, IsolatedJobs" },
  { word: /\bset aside\b/i, in: "names", say: "Quarantine" },
  { word: /\bwhy nothing\b/i, in: "names", say: "whyNoWork" },
  { word: /\b(?:needs look|look again|looks? within|look at runs)\b/i, in: "names", say: "readsSpecOnStart, poll, wakeRuns, wakeChildren" },
  { word: /\b(?:take up|taken up|takes up|go on|goes on)\b/i, in: "names", say: "reopen, resume" },
  { word: /\brequire room\b/i, in: "names", say: "requireCapacity" },
  { word: /\b(?:manners|among few)\b/i, in: "all", say: "Pacing, LOW_CONTENTION" },
  { word: /\b(?:log keepers?|copiers?)\b/i, in: "all", say: "WalCheckpointer" },
  { word: /(?<!session )\bkeepers?\b/i, in: "all", say: "supervisor" },
  { word: /\bupkeep\b/i, in: "all", say: "maintenance" },
  { word: /\brun copy\b/i, in: "names", say: "RunSnapshot" },
  { word: /\bruns? within (?:a run|runs|runs?\b|it\b|another|theirs)/i, in: "all", say: "child run, descendant run" },
  { word: /\b(?:stir|beat|beats)\b/i, in: "names", say: "requested, runBackground, heartbeat" },
  { word: /\b(?:pictures|instants)\b/i, in: "names", say: "diagrams, time" },
  { word: /\bconclude(?:s|d)?\b/i, in: "names", say: "completeByServer" },
];

/** Each with its reason. */
const EXCEPTIONS: readonly { file: RegExp; word: RegExp; because: string }[] = [
  { file: /^src\/store\/migrations\//, word: /./, because: "a migration that has landed is never edited" },
  { file: /^test\/house\/words\.test\.ts$/, word: /./, because: "the list itself" },
];

const files = ["src", "test", "bench", "demo", "soak", "dashboard/src"].flatMap(typescriptFiles);
const sources = files.map(readSource);

describe("words", () => {
  test("a comment begins with its subject", () => {
    expect(sources.flatMap(headlessComments)).toEqual([]);
  });

  test("a title of a test begins with its subject", () => {
    expect(sources.flatMap(headlessTitles)).toEqual([]);
  });

  test("a comment or a title names the process, agent or row it means", () => {
    expect(sources.flatMap(pronouns)).toEqual([]);
  });

  test.each(PRIVATE)("nothing is called $word: $say", (entry) => {
    expect(sources.flatMap((source) => privateWords(source, entry))).toEqual([]);
  });
});

describe("the rules of words bite", () => {
  test.each([
    ["/** What holds before a write. */ const a = 1;", 1],
    ["// Of a list, each by itself.\nconst a = 1;", 1],
    ["/** Ensures the session row exists. */ const a = 1;", 0],
    ["const a = 1; // whatever stands behind code is no sentence of its own", 0],
  ])("%s", (text, found) => {
    expect(headlessComments(parseSource("src/a.ts", text))).toHaveLength(found);
  });

  test.each([
    [`test("what is a fault of the program stays one", f);`, 1],
    [`test.each([1])("of %s", f);`, 0],
    [`test("reports bugs as internal errors", f);`, 0],
  ])("%s", (text, found) => {
    expect(headlessTitles(parseSource("test/a.test.ts", text))).toHaveLength(found);
  });

  test("a private word is found in a name in any case", () => {
    const [first] = PRIVATE;
    expect(first && privateWords(parseSource("src/a.ts", "const recordBurials = 1;"), first)).toHaveLength(1);
  });
});

function headlessComments(source: Source): string[] {
  return commentsOf(source)
    .filter(({ text }) => HEADLESS.test(text) && !excepted(source.file, text))
    .map(({ text, offset }) => complaint(source, offset, `"${start(text)}": begin with the subject, then say why`));
}

function headlessTitles(source: Source): string[] {
  return titlesOf(source)
    .filter(({ text }) => HEADLESS_TITLE.test(text) && !/^of %|^of \$/.test(text))
    .map(({ text, offset }) => complaint(source, offset, `"${start(text)}": begin with the subject`));
}

function pronouns(source: Source): string[] {
  return [...commentsOf(source), ...titlesOf(source)]
    .filter(({ text, file = source.file }) => PRONOUNS.test(text) && !excepted(file, text))
    .map(({ text, offset }) => complaint(source, offset, `"${start(text)}": name the process, agent or row`));
}

function privateWords(source: Source, { word, in: where, say }: PrivateWord): string[] {
  if (excepted(source.file, word.source)) return [];
  const names = Array.from(source.code.matchAll(/[A-Za-z_$][\w$]*/g), ({ 0: name, index }) => ({
    text: wordsOf(name),
    offset: index,
  }));
  const written = where === "names" ? names : [...names, ...commentsOf(source)];
  return written
    .filter(({ text }) => word.test(text))
    .map(({ text, offset }) => complaint(source, offset, `"${start(text)}": say ${say}`));
}

interface Written {
  readonly text: string;
  readonly offset: number;
  readonly file?: string;
}

/** Comments that stand on lines of their own; several `//` lines in a row are one. */
function commentsOf(source: Source): Written[] {
  const found = source.comments.matchAll(/\/\*\*?([\s\S]*?)\*\/|(?<=^[ \t]*)\/\/(.*(?:\n[ \t]*\/\/.*)*)/gm);
  return Array.from(found, ({ 1: block, 2: lines, index }) => ({
    text: (block ?? lines ?? "")
      .replaceAll(/^[ \t]*(?:\*|\/\/)[ \t]?/gm, "")
      .replaceAll(/\s+/g, " ")
      .trim(),
    offset: index,
  })).filter(({ offset }) => /^[ \t]*$/.test(source.code.slice(source.code.lastIndexOf("\n", offset) + 1, offset)));
}

function titlesOf(source: Source): Written[] {
  if (!source.file.endsWith(".test.ts")) return [];
  return source.texts
    .filter(({ offset }) =>
      /\b(?:test|it|describe)(?:\.\w+)*(?:\([^;]*?\)|`[^`]*`)?\(\s*$/.test(
        source.code.slice(Math.max(0, offset - 4_000), offset),
      ),
    )
    .map(({ value, offset }) => ({ text: value, offset }));
}

/** `recordBurials` as `record burials`. */
function wordsOf(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}

function excepted(file: string, word: string): boolean {
  return EXCEPTIONS.some((exception) => exception.file.test(file) && exception.word.test(word));
}

function start(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function complaint(source: Source, offset: number, why: string): string {
  return `${source.file}:${lineOf(source, offset)} ${why}`;
}
