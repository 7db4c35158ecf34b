import path from "node:path";
import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { lineOf, parseSource, readSource, type Source, type Text, typescriptFiles } from "./source.js";

const LINES_MAX = 400;
const SQL =
  /^\s*(?:SELECT|select|INSERT\s+INTO|insert\s+into|UPDATE\s+\w+\s+SET|update\s+\w+\s+set|DELETE\s+FROM|delete\s+from|WITH\s+(?:RECURSIVE\s+)?\w+\s+AS|with\s+(?:recursive\s+)?\w+\s+as|CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX)|ALTER\s+TABLE|DROP\s+TABLE|PRAGMA)\s/;
/** Expressions allowed in a SQL text: a named constant, the columns of a table, `placeholders(n)` of store/rows.ts, the number of a parameter. */
const SAFE_IN_SQL =
  /^[A-Z][A-Z0-9_]*(?:\.join\(", "\)|\.columns|\.columnsOf\("\w"\))?$|^placeholders\([^()]*\)$|^\w+\.length(?: \+ \d+)?$/;
/** A cast of a call of an operation, or of a field of its answer. Arguments may nest four levels of brackets. */
const CAST_OF_CALL =
  /\.?\b(?:call|query|perform|must)\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)+(?:\.\w+|\[[^\]]*\])*\s+as\b(?!\s+const\b)/g;
const STATEMENT_MODULES = ["src/store/**", "!src/store/{sqlite,postgres,driver,migrations}/**"];

/** The part to search: the code without comments and literals, the comments alone, or a verdict on the whole file. */
type Look = { in: "code" | "comments"; pattern: RegExp } | { find(source: Source): readonly number[] };

/** A review remark that was made once too often. `where` are globs; one that begins with `!` takes files out. */
type Ban = Look & {
  name: string;
  where: readonly string[];
  because: string;
  instead: string;
  /** Two small files: the first breaks the rule, the second does the same thing rightly. */
  example: { file: string; bad: string; good: string };
};

const BANS: readonly Ban[] = [
  {
    name: "long file",
    find: ({ raw }) => (raw.trimEnd().split("\n").length > LINES_MAX ? [0] : []),
    where: ["**", "!dashboard/src/data/openapi.ts"],
    because: `a module of more than ${LINES_MAX} lines holds more than one thing`,
    instead: "split it by noun (locks.ts, conflicts.ts), never by layer or verb",
    example: {
      file: "src/engine/a.ts",
      bad: "\n".repeat(LINES_MAX) + "1;",
      good: "\n".repeat(LINES_MAX - 1) + "1;",
    },
  },
  {
    name: "name that says nothing",
    find: ({ file }) => (/(?:^|[/.-])(?:utils?|helpers?|common|misc)(?:[/.-]|$)/.test(file) ? [0] : []),
    where: ["**"],
    because: "such a file attracts whatever has no home",
    instead: "name it after its subject, and put each function beside its noun",
    example: { file: "src/engine/lock-utils.ts", bad: "1;", good: "" },
  },
  {
    name: "console",
    in: "code",
    pattern: /\bconsole\s*\./g,
    where: ["src/**", "!src/cli/**"],
    because: "stdout belongs to the protocol and logs have levels",
    instead: "take a Logger of runtime/logger.ts",
    example: { file: "src/engine/a.ts", bad: "console.log(1);", good: "// console.log(1)" },
  },
  {
    name: "stdout",
    in: "code",
    pattern: /\bprocess\s*\.\s*stdout\b/g,
    where: ["src/**", "!src/cli/**", "!src/mcp/transport/stdio.ts", "!src/app/guard/guard.ts"],
    because: "stdout belongs to the protocol",
    instead:
      "log to stderr through runtime/logger.ts; only cli/, mcp/transport/stdio.ts and the answer of a guard write to stdout",
    example: {
      file: "src/app/app.ts",
      bad: "process.stdout.write(text);",
      good: "const text = 'process.stdout';",
    },
  },
  {
    name: "text past the terminal's door",
    in: "code",
    pattern: /\bstream\s*\.\s*write\b|\bprocess\s*\.\s*stdout\s*\.\s*write\b/g,
    where: ["src/cli/**", "!src/cli/terminal/terminal.ts"],
    because: "text of agents may move a cursor, reorder what is read or hide",
    instead: "call `print` of the Terminal, which neutralises all that is shown",
    example: {
      file: "src/cli/run/display.ts",
      bad: "terminal.stream.write(text);",
      good: "terminal.print(text);",
    },
  },
  {
    name: "characters filtered by hand",
    find: ({ raw }) =>
      Array.from(raw.matchAll(/\\p\{(?:Cc|Cf|Bidi_Control|Surrogate)\}|\\u202[eE]|\\u2066/g), ({ index }) => index),
    where: ["src/**", "!src/base/texts/**", "!src/executors/**", "!src/engine/templates/**"],
    because: "text is kept as given where it is stored, and neutralised in one place where it is shown",
    instead: "use flawsOf of base/texts/stored-values.ts, or shownText of base/texts/shown-text.ts",
    example: {
      file: "src/engine/a.ts",
      bad: "text.replace(/\\p{Bidi_Control}/gu, '');",
      good: "shownText(text);",
    },
  },
  {
    name: "text cut by hand",
    find: ({ raw }) =>
      Array.from(raw.matchAll(/\.slice\(0, [^()]*\)(?:\}…|\.replace\(\/\[\\uD800)/g), ({ index }) => index),
    where: ["src/**", "!src/base/texts/**"],
    because: "a cut in the middle of a character leaves half of it, which no database keeps",
    instead: "use startOf of base/texts/stored-values.ts",
    example: { file: "src/engine/a.ts", bad: "`${text.slice(0, 100)}…`;", good: "`${startOf(text, 100)}…`;" },
  },
  {
    name: "text of an answer past its door",
    find: ({ raw }) => Array.from(raw.matchAll(/type: "text"/g), ({ index }) => index),
    where: ["src/**", "!src/mcp/tool-call.ts", "!src/mcp/browsing/prompts.ts", "!src/executors/**"],
    because: "an answer is worded and neutralised by dispatch/render.ts alone",
    instead: "return facts, and let renderResult or renderError word them",
    example: {
      file: "src/mcp/server.ts",
      bad: 'const part = { type: "text", text };',
      good: "const answer = renderResult(result);",
    },
  },
  {
    name: "wall clock",
    in: "code",
    pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bnew\s+Date\b(?!\s*\()|(?<!new\s)\bDate\s*\(/g,
    where: ["src/**", "!src/runtime/**"],
    because: "a test that needs a week advances a week",
    instead: "use `now` of the transaction's context, or a Clock of runtime/clock.ts",
    example: {
      file: "src/engine/a.ts",
      bad: "const at = Date.now();",
      good: "const at = new Date(ctx.now);",
    },
  },
  {
    name: "hidden randomness",
    in: "code",
    pattern: /\bMath\s*\.\s*random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/g,
    where: ["src/**", "!src/runtime/**"],
    because: "a failing history is replayed from its seed",
    instead: "use `newId` and `random` of the transaction's context, or Ids and Random of runtime/",
    example: { file: "src/store/postgres/postgres.ts", bad: "Math.random();", good: "random.next();" },
  },
  {
    name: "timer",
    in: "code",
    pattern: /\bset(?:Interval|Timeout|Immediate)\b/g,
    where: ["src/engine/**", "src/dispatch/**", "src/tools/**", ...STATEMENT_MODULES],
    because: "rules and decisions wait for nothing; main.ts owns the only interval",
    instead: "store the instant at which it is due and let a tick(now) find it",
    example: {
      file: "src/store/tasks/tasks.ts",
      bad: "setTimeout(retry, 10);",
      good: "const retryAt = now + 10;",
    },
  },
  {
    name: "any",
    in: "code",
    pattern: /(?<![.\w$])any\b(?!\s*[:(?=])/g,
    where: ["**"],
    because: "it turns the compiler off for everything it touches",
    instead: "use `unknown` and look, or the type it has",
    example: {
      file: "src/engine/a.ts",
      bad: "let x: any;",
      good: "let x: unknown; Promise.any([]); const any = 'any';",
    },
  },
  {
    name: "silenced compiler",
    in: "comments",
    pattern: /@ts-(?:ignore|nocheck)\b/g,
    where: ["**"],
    because: "it hides every later error of that line too",
    instead: "make the types fit; a test that proves a type error uses @ts-expect-error with the reason",
    example: { file: "src/engine/a.ts", bad: "// @ts-ignore", good: "const text = '@ts-ignore';" },
  },
  {
    name: "default export",
    in: "code",
    pattern: /\bexport\s+default\b|\bas\s+default\b/g,
    where: ["src/**"],
    because: "a thing has one name everywhere",
    instead: "export it by its name",
    example: { file: "src/engine/a.ts", bad: "export default 1;", good: "export const one = 1;" },
  },
  {
    name: "barrel",
    in: "code",
    pattern: /\bexport\s*\*/g,
    where: ["src/**"],
    because: "it hides who needs what, and loads all of it at start",
    instead: "import each name from the module that defines it",
    example: {
      file: "src/engine/a.ts",
      bad: "export * from './b.js';",
      good: "export { b } from './b.js';",
    },
  },
  {
    name: "evaluated text",
    in: "code",
    pattern: /(?<![.\w$])eval\s*\(|\bnew\s+Function\b/g,
    // Its text is made of names of fields, which are constants of the store.
    where: ["src/**", "!src/store/compile.ts"],
    because: "text from agents is data",
    instead: "parse it",
    example: { file: "src/engine/a.ts", bad: "eval(text);", good: "evaluate(text);" },
  },
  {
    name: "unfinished work",
    in: "comments",
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/g,
    where: ["**"],
    because: "such a note is never found again",
    instead: "do it now, or open an issue and name the gap in docs",
    example: {
      file: "test/a.ts",
      bad: "// TODO: later",
      good: "// the remaining work is written down",
    },
  },
  {
    name: "test that does not run",
    in: "code",
    pattern: /\b(?:describe|it|test|suite)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/g,
    where: ["test/**"],
    because: "it looks like a proof and proves nothing",
    instead: "repair it or remove it; `skipIf(condition)` where a platform lacks a feature",
    example: {
      file: "test/a.test.ts",
      bad: "test.skip('x', f);",
      good: "test.skipIf(windows)('x', f);",
    },
  },
  {
    name: "mock",
    in: "code",
    pattern: /\bvi\s*\.\s*(?:mock|doMock|spyOn|stubGlobal|useFakeTimers)\b/g,
    where: ["test/**"],
    because: "a mock agrees with whatever its author believed",
    instead: "drive the real thing with the ManualClock, a seeded Random and a database file in a temporary directory",
    example: {
      file: "test/a.test.ts",
      bad: "vi.mock('x');",
      good: "const clock = new ManualClock();",
    },
  },
  {
    name: "sleep",
    find: ({ code, texts }) => [
      ...offsetsOf(
        code,
        /new\s+Promise\b(?:<[^>]*>)?\s*\(\s*\(?[\w\s,:<>()]*\)?\s*=>\s*\{?\s*(?:return\s+)?setTimeout\b/g,
      ),
      ...texts.filter(({ value }) => /^(?:node:)?timers\/promises$/.test(value)).map(({ offset }) => offset),
    ],
    where: ["test/**", "!test/support/**"],
    because: "it is too short on a slow machine and too long on every other",
    instead: "wait for the event itself (test/support), or advance the ManualClock",
    example: {
      file: "test/a.test.ts",
      bad: "await new Promise((resolve) => setTimeout(resolve, 50));",
      good: "await new Promise((resolve) => child.once('exit', resolve));",
    },
  },
  {
    name: "bound on time that passed",
    in: "code",
    pattern: /\.now\(\)\s*-\s*\w+\)\s*\.toBeLessThan(?:OrEqual)?\b/g,
    where: ["test/**", "!test/simulation/**"],
    because: "other work on the machine can break it",
    instead:
      "let the best of a few tries count (test/support/in-time.ts), or measure processor time (processor-time.ts)",
    example: {
      file: "test/a.test.ts",
      bad: "expect(performance.now() - from).toBeLessThan(1_000);",
      good: "inTime(1_000, from);",
    },
  },
  {
    name: "cast through unknown",
    in: "code",
    pattern: /\bas\s+unknown\s+as\b/g,
    // An operation there breaks its own output schema, as a bug would.
    where: ["test/**", "demo/**", "soak/**", "bench/**", "!test/dispatch/dispatch.test.ts"],
    because: "the compiler believes it for every value",
    instead:
      "call through the typed `call` of test/support/servers, or parse: `resultOf` for an answer, zod for other JSON",
    example: {
      file: "test/a.test.ts",
      bad: "const { run } = answer as unknown as { run: Run };",
      good: "const { run } = resultOf('get_run', answer);",
    },
  },
  {
    name: "cast of an answer",
    in: "code",
    pattern: CAST_OF_CALL,
    where: ["test/**", "demo/**", "soak/**", "bench/**"],
    because: "the operation's literal already types its answer, and a second type of it grows old unnoticed",
    instead:
      'take the type of `call`; name it `ResultOf<"get_run">`; use `callUnchecked` for input that is wrong on purpose',
    example: {
      file: "test/a.test.ts",
      bad: "const { run } = (await app.call(name, { run: idOf(x) })) as { run: Run };",
      good: "const { run } = await app.call(name, { action: action as Action });",
    },
  },
  {
    name: "SQL outside the store",
    find: ({ texts }) => texts.filter(({ value }) => SQL.test(value)).map(({ offset }) => offset),
    where: ["src/**", "!src/store/**"],
    because: "each statement stands once, beside the others of its area, and runs on both databases",
    instead: "put it in src/store/ROOM/ as a generator that returns typed rows",
    example: {
      file: "src/engine/a.ts",
      bad: "const q = 'SELECT * FROM tasks';",
      good: "const q = 'Select a task';",
    },
  },
  {
    name: "text pasted into SQL",
    find: (source) => source.texts.filter((text) => isPastedSql(source, text)).map(({ offset }) => offset),
    where: ["src/store/**"],
    because: "values belong in parameters, and a text that varies is prepared again and again",
    instead:
      "bind it as $1, name it as a CONSTANT, use placeholders(n), or say `// sql: why this is safe` on one of the two lines before the text",
    example: {
      file: "src/store/a.ts",
      bad: "q = `SELECT ${id}`;",
      good: "q = `SELECT ${COLUMNS} FROM tasks WHERE id = $1`;",
    },
  },
  {
    name: "decision at a bare terminal",
    find: ({ raw }) =>
      raw.includes("withSecret(") ? [] : offsetsOf(raw, /startOnTerminal\([^;]*"(?:approve|decide_e)/g),
    where: ["test/**", "!test/house/**"],
    because: "a terminal below an assistant or a Baton process is not a person's, and tests run there too",
    instead: "decide with the person's secret: withSecret(fixture)",
    example: { file: "test/a.ts", bad: 'startOnTerminal(a, ["approve"])', good: 'baton(a, ["approve"])' },
  },
];

describe("bans", () => {
  const files = ["src", "test", "bench", "demo", "soak", "scripts", "dashboard/src"].flatMap(typescriptFiles);

  test.each(BANS)("no $name", (ban) => {
    const inScope = matcher(ban.where);
    expect(files.filter(inScope).flatMap((file) => complaints(ban, readSource(file)))).toEqual([]);
  });
});

describe("the bans bite", () => {
  test.each(BANS)("$name", (ban) => {
    const { file, bad, good } = ban.example;
    expect(matcher(ban.where)(file)).toBe(true);
    expect(complaints(ban, parseSource(file, bad))).toHaveLength(1);
    const elsewhere = path.posix.join(path.posix.dirname(file), "a.ts");
    expect(complaints(ban, parseSource(elsewhere, good))).toEqual([]);
  });

  test("a generated text is let through where a comment says why it is safe", () => {
    const source = parseSource(
      "src/store/a.ts",
      "// sql: only placeholders\nconst q = `INSERT INTO tasks VALUES ${rows(3)}`;",
    );
    expect(source.texts.some((text) => isPastedSql(source, text))).toBe(false);
  });
});

function complaints(ban: Ban, source: Source): string[] {
  return offsetsIn(ban, source).map(
    (offset) => `${source.file}:${lineOf(source, offset)} ${ban.name}: ${ban.because}. Instead: ${ban.instead}.`,
  );
}

function offsetsIn(ban: Ban, source: Source): readonly number[] {
  return "find" in ban ? ban.find(source) : offsetsOf(source[ban.in], ban.pattern);
}

function offsetsOf(text: string, pattern: RegExp): number[] {
  return Array.from(text.matchAll(pattern), ({ index }) => index);
}

function matcher(where: readonly string[]): (file: string) => boolean {
  const wanted = picomatch(where.filter((glob) => !glob.startsWith("!")));
  const unwanted = picomatch(where.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1)));
  return (file) => wanted(file) && !unwanted(file);
}

function isPastedSql(source: Source, text: Text): boolean {
  if (!SQL.test(text.value) || text.expressions.every((expression) => SAFE_IN_SQL.test(expression))) return false;
  const lines = source.comments.split("\n");
  const line = lineOf(source, text.offset);
  return !lines.slice(Math.max(0, line - 3), line).some((comment) => comment.includes("sql:"));
}
