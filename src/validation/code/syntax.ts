import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import { Language, type Node, Parser, type Tree } from "web-tree-sitter";
import { PACKAGE_ROOT } from "../../runtime/package-root.js";
import type { CheckResult, ValidationSubject, ValidationIssue } from "../issue.js";

const CHECK = "syntax";
const SHOWN_MAX = 10;
const PARSE_MAX_MS = 5_000;
const decompress = promisify(brotliDecompress);

/** Grammars of the directory grammars/. */
const LANGUAGES = ["go", "java", "javascript", "python", "rust", "tsx", "typescript"] as const;
export type CodeLanguage = (typeof LANGUAGES)[number];

const BY_ENDING: Readonly<Record<string, CodeLanguage>> = {
  go: "go",
  java: "java",
  js: "javascript",
  jsx: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  py: "python",
  pyi: "python",
  rs: "rust",
  ts: "typescript",
  mts: "typescript",
  cts: "typescript",
  tsx: "tsx",
};

/** The language of code by what its author says, else by the end of its name. */
export function languageOf({ name, language }: Pick<ValidationSubject, "name" | "language">): CodeLanguage | undefined {
  const said = language?.toLowerCase() ?? "";
  const known = LANGUAGES.find((one) => one === said) ?? BY_ENDING[said];
  return known ?? BY_ENDING[/\.([A-Za-z]+)$/.exec(name)?.[1]?.toLowerCase() ?? ""];
}

const loaded = new Map<CodeLanguage, Promise<Language>>();
let ready: Promise<void> | undefined;

async function load(language: CodeLanguage): Promise<Language> {
  await (ready ??= Parser.init());
  const file = path.join(PACKAGE_ROOT, "grammars", `${language}.wasm.br`);
  return Language.load(await decompress(await readFile(file)));
}

/** Parses code; undefined where that takes too long. The tree is the caller's to delete. */
export async function parseCode(language: CodeLanguage, text: string): Promise<Tree | undefined> {
  const grammar = loaded.get(language) ?? load(language);
  loaded.set(language, grammar);
  grammar.catch(() => loaded.delete(language));
  const loadedGrammar = await grammar;
  const parser = new Parser();
  try {
    parser.setLanguage(loadedGrammar);
    const until = performance.now() + PARSE_MAX_MS;
    return parser.parse(text, null, { progressCallback: () => performance.now() > until }) ?? undefined;
  } finally {
    parser.delete();
  }
}

/** Finds places that are no code of the language. */
export async function checkSyntax(subject: ValidationSubject): Promise<CheckResult> {
  return { issues: (await issuesOnce(subject)).filter(({ check }) => check === CHECK) };
}

/** Finds errors that are caught and dropped. */
export async function checkErrorHandling(subject: ValidationSubject): Promise<CheckResult> {
  return { issues: (await issuesOnce(subject)).filter(({ check }) => check !== CHECK) };
}

/** The two checks of a subject share one parse. */
const readBefore = new WeakMap<ValidationSubject, Promise<ValidationIssue[]>>();

function issuesOnce(subject: ValidationSubject): Promise<ValidationIssue[]> {
  const issues = readBefore.get(subject) ?? issuesIn(subject);
  readBefore.set(subject, issues);
  return issues;
}

async function issuesIn(subject: ValidationSubject): Promise<ValidationIssue[]> {
  const language = languageOf(subject);
  if (language === undefined) return [];
  const tree = await parseCode(language, withPlainLabels(language, subject.text));
  if (tree === undefined) return [unread(language)];
  try {
    const issues = tree.rootNode.hasError ? errorsOf(tree.rootNode).map((node) => broken(node, language)) : [];
    return [...issues, ...droppedErrors(tree.rootNode, language)];
  } finally {
    tree.delete();
  }
}

/** Names of the language's own that may label a part of a tuple. */
const TUPLE_LABEL =
  /([[,]\s*)(abstract|any|boolean|infer|keyof|never|new|number|object|readonly|string|symbol|type|unknown|void)(?=\??:)/g;

/** The grammar of TypeScript takes no such label, `[type: string]`: a plain name of the same length stands for it. */
function withPlainLabels(language: CodeLanguage, text: string): string {
  if (language !== "typescript" && language !== "tsx") return text;
  return text.replace(TUPLE_LABEL, (_, before: string, label: string) => before + "_".repeat(label.length));
}

function unread(language: string): ValidationIssue {
  return { check: CHECK, severity: "info", message: `The ${language} was not read: parsing it takes too long.` };
}

/** The nodes where parsing failed, from the first on. Those within another are not told. */
function errorsOf(root: Node): Node[] {
  const found: Node[] = [];
  const open = [root];
  for (let node = open.pop(); node !== undefined && found.length < SHOWN_MAX; node = open.pop()) {
    if (node.isError || node.isMissing) {
      // Of two on one line the second follows from the first.
      if (found.at(-1)?.startPosition.row !== node.startPosition.row) found.push(node);
    } else if (node.hasError) open.push(...node.children.toReversed());
  }
  return found;
}

function broken(node: Node, language: CodeLanguage): ValidationIssue {
  const near = node.text.split("\n")[0]?.trim().slice(0, 60) ?? "";
  const what = node.isMissing ? `"${node.type}" is missing` : `"${near}" cannot be read`;
  return {
    check: CHECK,
    severity: "critical",
    line: node.startPosition.row + 1,
    message: `Invalid ${language}: ${what}.`,
    suggestion: "Look at this line and the one before it for a bracket, a quote or an operand that is missing.",
  };
}

/** Blocks that handle an error, and the part of them that is their body. */
const HANDLERS: Partial<Record<CodeLanguage, string>> = {
  java: "catch_clause",
  javascript: "catch_clause",
  python: "except_clause",
  tsx: "catch_clause",
  typescript: "catch_clause",
};

function droppedErrors(root: Node, language: CodeLanguage): ValidationIssue[] {
  const type = HANDLERS[language];
  if (type === undefined) return [];
  return root.descendantsOfType(type).flatMap((node): ValidationIssue[] => {
    const body = node?.childForFieldName("body") ?? node?.namedChildren.at(-1);
    if (!node || !body || !isEmpty(body)) return [];
    const message = "The error is caught and dropped, without a word why.";
    const suggestion = "Handle it, pass it on, or say in a comment why it does not matter.";
    return [{ check: "error_handling", severity: "minor", line: node.startPosition.row + 1, message, suggestion }];
  });
}

/** A comment says why nothing is done. */
function isEmpty(body: Node): boolean {
  return body.namedChildren.every((child) => child?.type === "pass_statement");
}
