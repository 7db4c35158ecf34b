import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseAst } from "vitest/node";

export const ROOT = path.resolve(import.meta.dirname, "../..");

/** One way in which a file names another module. `specifier` is undefined where it is computed at run time. */
export interface Import {
  specifier: string | undefined;
  /** Erased by the compiler: it brings names, never code. */
  typeOnly: boolean;
  offset: number;
}

/** A string or template literal: its text with each `${…}` left out. */
export interface Text {
  value: string;
  /** The source of the expressions put into a template. */
  expressions: readonly string[];
  offset: number;
}

export interface Source {
  /** Relative to the repository, with forward slashes. */
  file: string;
  raw: string;
  /** The raw text with comments and the insides of literals blanked out; offsets and lines stay. */
  code: string;
  /** The raw text with all but its comments blanked out. */
  comments: string;
  texts: readonly Text[];
  imports: readonly Import[];
}

/** The TypeScript files below `directory` (relative to the repository), sorted. A directory that is not there has none. */
export function typescriptFiles(directory: string): string[] {
  const absolute = path.join(ROOT, directory);
  return readdirSync(path.dirname(absolute))
    .filter((name) => name === path.basename(absolute))
    .flatMap(() => readdirSync(absolute, { recursive: true, encoding: "utf8" }))
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => path.posix.join(directory, name.replaceAll("\\", "/")))
    .sort();
}

const parsed = new Map<string, Source>();

export function readSource(file: string): Source {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = parseSource(file, readFileSync(path.join(ROOT, file), "utf8"));
  parsed.set(file, source);
  return source;
}

/** Throws with the file's name where the text is not TypeScript. */
export function parseSource(file: string, raw: string): Source {
  const texts: Text[] = [];
  const imports: Import[] = [];
  const literals: Span[] = [];
  for (const node of walk(syntaxTree(file, raw))) {
    const found = importIn(node);
    if (found !== undefined) imports.push(found);
    const text = textIn(node, raw);
    if (text !== undefined) texts.push(text);
    if (node.type === "Literal" || node.type === "TemplateElement") literals.push(node);
  }
  const withoutLiterals = blank(raw, literals);
  const comments = commentSpans(withoutLiterals);
  return {
    file,
    raw,
    texts,
    imports,
    code: blank(withoutLiterals, comments),
    comments: keep(raw, comments),
  };
}

export function lineOf(source: Source, offset: number): number {
  return source.raw.slice(0, offset).split("\n").length;
}

interface Span {
  start: number;
  end: number;
}

/** A node of the ESTree form of TypeScript, of which this module reads few enough fields to look at them one by one. */
type SyntaxNode = Span & { type: string } & Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

function syntaxTree(file: string, raw: string): SyntaxNode {
  try {
    // oxlint-disable-next-line typescript/no-deprecated -- the one parser that a listed dependency hands on
    const tree: unknown = parseAst(raw, { lang: file.endsWith("x") ? "tsx" : "ts", astType: "ts" });
    if (isNode(tree)) return tree;
  } catch (error) {
    throw new Error(`${file} cannot be parsed: ${String(error)}`, { cause: error });
  }
  throw new Error(`${file} has no syntax tree`);
}

function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) yield* walk(child);
    }
  }
}

function importIn(node: SyntaxNode): Import | undefined {
  const offset = node.start;
  switch (node.type) {
    case "ImportDeclaration":
      return {
        specifier: textOf(node["source"]),
        typeOnly: isTypeOnly(node, "importKind"),
        offset,
      };
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      if (!isNode(node["source"])) return undefined;
      return {
        specifier: textOf(node["source"]),
        typeOnly: isTypeOnly(node, "exportKind"),
        offset,
      };
    case "ImportExpression":
      return { specifier: textOf(node["source"]), typeOnly: false, offset };
    case "CallExpression":
      // The result of `createRequire` of node:module is called `require` by convention.
      if (!isNode(node["callee"]) || node["callee"]["name"] !== "require") return undefined;
      return { specifier: textOf(childrenOf(node["arguments"])[0]), typeOnly: false, offset };
    case "TSImportType":
      return { specifier: textOf(node["source"]), typeOnly: true, offset };
    case "TSExternalModuleReference":
      return { specifier: textOf(node["expression"]), typeOnly: false, offset };
    default:
      return undefined;
  }
}

function isTypeOnly(node: SyntaxNode, kind: "importKind" | "exportKind"): boolean {
  if (node[kind] === "type") return true;
  const specifiers = node["specifiers"];
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((specifier: unknown) => isNode(specifier) && specifier[kind] === "type");
}

function textOf(node: unknown): string | undefined {
  return isNode(node) && typeof node["value"] === "string" ? node["value"] : undefined;
}

function textIn(node: SyntaxNode, raw: string): Text | undefined {
  if (node.type === "Literal" && typeof node["value"] === "string") {
    return { value: node["value"], expressions: [], offset: node.start };
  }
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = childrenOf(node["quasis"]).map((quasi) => raw.slice(quasi.start, quasi.end));
  const expressions = childrenOf(node["expressions"]).map((expression) => raw.slice(expression.start, expression.end));
  return { value: quasis.join("…").replaceAll(/^`|`$/g, ""), expressions, offset: node.start };
}

function childrenOf(value: unknown): SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Once literals are blank, a comment cannot be mistaken for one, so a scan is exact. */
function commentSpans(withoutLiterals: string): Span[] {
  return Array.from(withoutLiterals.matchAll(/\/\/.*|\/\*[\s\S]*?\*\//g), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

function blank(text: string, spans: readonly Span[]): string {
  let result = "";
  let from = 0;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    result += text.slice(from, start) + spaces(text.slice(start, end));
    from = end;
  }
  return result + text.slice(from);
}

function keep(text: string, spans: readonly Span[]): string {
  let result = "";
  let from = 0;
  for (const { start, end } of spans) {
    result += spaces(text.slice(from, start)) + text.slice(start, end);
    from = end;
  }
  return result + spaces(text.slice(from));
}

function spaces(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
