import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { countTokens, extractAll } from "../../src/compaction/compaction.js";
import type { ContentKind } from "../../src/compaction/extract.js";
import { typescriptFiles, ROOT } from "../house/source.js";

async function extractOf(
  content: string,
  kind: ContentKind,
  more: { name?: string; max?: number } = {},
): Promise<string> {
  const [found] = await extractAll([{ content, kind, max: 10_000, ...more }]);
  return found?.text ?? "";
}

const BODY = "  // of no interest\n".repeat(20);

describe("an extract of code", () => {
  test.each([
    [
      "a.ts",
      `import x from "x";\n/** Adds numbers. */\nexport function add(a: number, b: number): number {\n${BODY}  if (a > MAX) throw new RangeError("too large");\n  return a + b;\n}\nexport class Store {\n  /** Finds a row. */\n  find(id: string): Row | undefined {\n${BODY}    return this.rows.get(id);\n  }\n}\nexport interface Row {\n  readonly id: string;\n}\nconst later = async (ms: number): Promise<void> => {\n${BODY}};\n`,
      [
        "/** Adds numbers. */",
        "export function add(a: number, b: number): number …",
        'throw new RangeError("too large");',
        "return a + b;",
        "export class Store …",
        "  /** Finds a row. */",
        "  find(id: string): Row | undefined …",
        "export interface Row {",
        "const later = async (ms: number): Promise<void> => …",
      ],
    ],
    [
      "a.py",
      `import os\n\nLIMIT = 10\n\nclass Store:\n    """Keeps rows."""\n\n    def find(self, id: str) -> Row:\n        """Finds a row."""\n${BODY.replaceAll("//", "#").replaceAll("  #", "        #")}        if id is None:\n            raise ValueError("no id")\n        return self.rows[id]\n`,
      [
        "LIMIT = 10",
        "class Store: …",
        '"""Keeps rows."""',
        "    def find(self, id: str) -> Row: …",
        '"""Finds a row."""',
        'raise ValueError("no id")',
        "return self.rows[id]",
      ],
    ],
    [
      "a.go",
      `package a\n\n// Add adds numbers.\nfunc Add(a int, b int) int {\n${BODY}\treturn a + b\n}\n\ntype Row struct {\n\tID string\n}\n\nfunc (s *Store) Find(id string) (*Row, error) {\n${BODY}\treturn nil, ErrGone\n}\n`,
      [
        "// Add adds numbers.",
        "func Add(a int, b int) int …",
        "return a + b",
        "type Row struct {",
        "func (s *Store) Find(id string) (*Row, error) …",
        "return nil, ErrGone",
      ],
    ],
    [
      "a.rs",
      `/// Adds numbers.\npub fn add(a: i32, b: i32) -> i32 {\n${BODY}    return a + b;\n}\npub struct Row { id: String }\nimpl Store {\n    pub fn find(&self, id: &str) -> Option<Row> {\n${BODY}        None\n    }\n}\n`,
      [
        "/// Adds numbers.",
        "pub fn add(a: i32, b: i32) -> i32 …",
        "return a + b",
        "pub struct Row { id: String }",
        "impl Store …",
        "    pub fn find(&self, id: &str) -> Option<Row> …",
      ],
    ],
    [
      "A.java",
      `public class Store {\n  private final Map<String, Row> rows = new HashMap<>();\n  /** Finds a row. */\n  public Row find(String id) throws GoneException {\n${BODY}    throw new GoneException(id);\n  }\n}\n`,
      [
        "public class Store …",
        "private final Map<String, Row> rows = new HashMap<>();",
        "/** Finds a row. */",
        "  public Row find(String id) throws GoneException …",
        "throw new GoneException(id);",
      ],
    ],
    [
      "a.js",
      `// Adds numbers.\nfunction add(a, b) {\n${BODY}  return a + b;\n}\nmodule.exports = { add };\nlet count = 0;\n`,
      ["// Adds numbers.", "function add(a, b) …", "return a + b;", "let count = 0;"],
    ],
  ])(
    "of %s has its signatures, comments and where it returns or fails, in their order",
    async (name, content, wanted) => {
      const extract = await extractOf(content, "code", { name });
      let at = 0;
      for (const line of wanted) {
        const found = extract.indexOf(line, at);
        expect(found, `${line} in\n${extract}`).toBeGreaterThanOrEqual(0);
        at = found;
      }
      expect(extract).not.toContain("of no interest");
    },
  );

  test.each([
    [
      "a.ts",
      "function f(x: T): T {\n  try {\n    if (!x) return;\n    return x;\n  } catch (error) {\n    throw error;\n  }\n}\nfunction g(): T {\n  return made(1);\n}\n",
      "return made(1);",
    ],
    [
      "a.py",
      "def f(x):\n    try:\n        return x\n    except E:\n        raise\n\ndef g():\n    return made(1)\n",
      "return made(1)",
    ],
    [
      "a.go",
      "package a\n\nfunc f(x T) T {\n\tif x == nil {\n\t\treturn nil\n\t}\n\treturn x\n}\n\nfunc g() T {\n\treturn made(1)\n}\n",
      "return made(1)",
    ],
  ])("of %s leaves out returns that carry nothing", async (name, content, kept) => {
    const logic = (await extractOf(content, "code", { name }))
      .split("\n")
      .filter((line) => /return|throw|raise/.test(line));
    expect(logic.map((line) => line.trim())).toEqual([kept]);
  });

  test("keeps what is exported when there is room for little", async () => {
    const inner = Array.from({ length: 30 }, (_, n) => `function inner${n}(): void {\n  return work(${n});\n}\n`).join(
      "",
    );
    const extract = await extractOf(`${inner}export function shown(): void {\n  return;\n}\n`, "code", {
      name: "a.ts",
      max: 8,
    });
    expect(extract).toContain("export function shown(): void …");
    expect(extract).not.toContain("inner");
  });

  test("has nearly all names that the sources here export, in two fifths of their tokens", async () => {
    let [names, kept, tokens, after] = [0, 0, 0, 0];
    for (const file of typescriptFiles("src").filter((_, at) => at % 5 === 0)) {
      const content = readFileSync(path.join(ROOT, file), "utf8");
      const [count = 0] = countTokens([content]);
      const [extract] = await extractAll([{ content, kind: "code", name: file, max: Math.floor(count * 0.4) }]);
      const exported = [
        ...content.matchAll(/^export (?:async )?(?:function\*?|class|const|interface|type|enum) (\w+)/gm),
      ];
      names += exported.length;
      kept += exported.filter(([, name = ""]) => new RegExp(`\\b${name}\\b`).test(extract?.text ?? content)).length;
      tokens += count;
      after += extract?.tokens ?? count;
    }
    expect(names).toBeGreaterThan(300);
    expect(kept / names).toBeGreaterThan(0.95);
    expect(after / tokens).toBeLessThan(0.4);
  });
});

describe("an extract", () => {
  test("is a list of what obliges, for requirements", async () => {
    const text =
      "# Login\n\nThis page tells a long story. The weather was fine.\n\nThe server must answer within 200 ms. Users should see why a login failed.\n\n- [ ] Passwords are hashed\n2. REQ-2 shall hold\n";
    expect((await extractOf(text, "requirements")).split("\n")).toEqual([
      "# Login",
      "- The server must answer within 200 ms.",
      "- Users should see why a login failed.",
      "- [ ] Passwords are hashed",
      "- REQ-2 shall hold",
    ]);
    expect(await extractOf(text, "requirements", { max: 14 })).toContain("must answer within 200 ms");
  });

  test.each([
    ["requirements", `must ${"7".repeat(200_000)}`],
    ["conversation", `done ${"a-".repeat(100_000)}`],
  ] as const)("takes a bounded time over a sentence without end: %s", async (kind, text) => {
    const before = process.cpuUsage();
    await extractOf(text, kind);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });

  test("has the decisions, outcomes and open questions of a conversation, and says how much code there was", async () => {
    const text =
      "Good morning! Nice weather.\nWe decided to use UUIDs instead of integers. I like it.\n```ts\nconst a = 1;\nconst b = 2;\n```\nThe migration failed because the column is not null. Lunch was good. Who writes the docs?\n";
    expect((await extractOf(text, "conversation")).split("\n")).toEqual([
      "- Good morning!",
      "- We decided to use UUIDs instead of integers.",
      "- [code, 2 lines]",
      "- The migration failed because the column is not null.",
      "- Who writes the docs?",
    ]);
    expect(await extractOf(text, "message", { max: 30 })).toContain("decided");
  });

  test("names the parts of a large file by their lines and what they begin with", async () => {
    const text = ["Install", "Usage"]
      .map((name) => `## ${name}\n\n${"Some words of no weight. ".repeat(120)}\n\n`)
      .join("");
    const lines = (await extractOf(text, "file", { name: "README.md" })).split("\n");
    expect(lines[0]).toMatch(/^\[lines 1-\d\] ## Install$/);
    expect(lines.some((line) => /^\[lines \d-\d\] ## Usage$/.test(line))).toBe(true);
    expect(lines.length).toBeLessThan(8);
  });
});
