import type { Node } from "web-tree-sitter";
import { type CodeLanguage, parseCode } from "../validation/code/syntax.js";
import type { ExtractPart } from "./extract.js";

interface Grammar {
  /** Nodes that define something, with a body that is left out. */
  readonly definitions: readonly string[];
  /** Nodes whose text is short and says all of it: types and constants. */
  readonly whole: readonly string[];
  /** Nodes of a body that say what it does: where it ends and how it fails. */
  readonly logic: readonly string[];
}

const OF_JAVASCRIPT: Grammar = {
  definitions: [
    "function_declaration",
    "generator_function_declaration",
    "function_signature",
    "class_declaration",
    "abstract_class_declaration",
    "method_definition",
    "abstract_method_signature",
    "internal_module",
  ],
  whole: ["interface_declaration", "type_alias_declaration", "enum_declaration"],
  logic: ["return_statement", "throw_statement"],
};
const GRAMMARS: Readonly<Record<CodeLanguage, Grammar>> = {
  typescript: OF_JAVASCRIPT,
  tsx: OF_JAVASCRIPT,
  javascript: {
    ...OF_JAVASCRIPT,
    definitions: ["function_declaration", "generator_function_declaration", "class_declaration", "method_definition"],
    whole: [],
  },
  python: {
    definitions: ["function_definition", "class_definition"],
    whole: [],
    logic: ["return_statement", "raise_statement"],
  },
  go: {
    definitions: ["function_declaration", "method_declaration"],
    whole: ["type_declaration", "const_declaration", "var_declaration"],
    logic: ["return_statement"],
  },
  rust: {
    definitions: [
      "function_item",
      "function_signature_item",
      "impl_item",
      "trait_item",
      "mod_item",
      "macro_definition",
    ],
    whole: ["struct_item", "enum_item", "type_item", "const_item", "static_item"],
    logic: ["return_expression"],
  },
  java: {
    definitions: [
      "class_declaration",
      "interface_declaration",
      "record_declaration",
      "method_declaration",
      "constructor_declaration",
    ],
    whole: ["enum_declaration", "field_declaration"],
    logic: ["return_statement", "throw_statement"],
  },
};

const WHOLE_CHARS_MAX = 600;
const SIGNATURE_CHARS_MAX = 400;
const LOGIC_CHARS_MAX = 160;
const COMMENT_CHARS_MAX = 600;
/** A return of nothing, of a word or of a number, or an error passed on: without the lines above it tells nothing. */
const SAYS_NOTHING = /^(?:return|throw|raise)(?:\s+[\w$]+)?\s*;?$/;
const WEIGHT = { exported: 6, definition: 5, comment: 3, logic: 1 } as const;

/**
 * The outline of code: signatures, types and constants, the comments above them, and where functions return or fail. Undefined where it
 * cannot be read in time.
 */
export async function codeParts(language: CodeLanguage, content: string): Promise<ExtractPart[] | undefined> {
  const tree = await parseCode(language, content);
  if (tree === undefined) return undefined;
  try {
    return new Outline(language, content).of(tree.rootNode);
  } finally {
    tree.delete();
  }
}

/** The lines at which the definitions on the outermost level begin, with their comments; undefined likewise. */
export async function outermostLines(language: CodeLanguage, content: string): Promise<Set<number> | undefined> {
  const tree = await parseCode(language, content);
  if (tree === undefined) return undefined;
  try {
    const lines = new Set<number>();
    let commentFrom: number | undefined;
    for (const { type, startPosition } of tree.rootNode.namedChildren) {
      if (type.includes("comment")) commentFrom ??= startPosition.row;
      else {
        lines.add(commentFrom ?? startPosition.row);
        commentFrom = undefined;
      }
    }
    return lines;
  } finally {
    tree.delete();
  }
}

interface PlacedPart extends ExtractPart {
  readonly at: number;
}

class Outline {
  readonly #grammar: Grammar;
  readonly #isPython: boolean;
  readonly #text: string;
  readonly #parts: PlacedPart[] = [];
  /** Lines that were taken, by where they begin: an export and what it exports begin on one line. */
  readonly #taken = new Set<number>();

  constructor(language: CodeLanguage, text: string) {
    this.#grammar = GRAMMARS[language];
    this.#isPython = language === "python";
    this.#text = text;
  }

  of(root: Node): ExtractPart[] {
    const { definitions, whole, logic } = this.#grammar;
    const [defining, short, doing] = [new Set(definitions), new Set(whole), new Set(logic)];
    for (const node of root.descendantsOfType([...definitions, ...whole, ...logic])) {
      if (defining.has(node.type)) this.#define(node);
      else if (short.has(node.type)) this.#define(node, WHOLE_CHARS_MAX);
      else if (doing.has(node.type)) this.#logic(node);
    }
    for (const node of root.namedChildren) this.#constant(node);
    return this.#parts.toSorted((a, b) => a.at - b.at);
  }

  #define(node: Node, wholeMax = 0): void {
    const text = this.#slice(node);
    if (text.length <= wholeMax) return this.#signature(node.startIndex, text);
    const body = node.childForFieldName("body");
    const head = body === null ? text : this.#text.slice(node.startIndex, body.startIndex);
    this.#signature(node.startIndex, `${oneLine(head, SIGNATURE_CHARS_MAX)}${body === null ? "" : " …"}`);
    if (this.#isPython && body !== null) this.#docstring(body.startIndex);
  }

  #logic(node: Node): void {
    const text = oneLine(this.#slice(node), LOGIC_CHARS_MAX);
    if (!SAYS_NOTHING.test(text)) this.#take(node.startIndex, text, WEIGHT.logic);
  }

  /** Constants of the outermost level: functions in them as signatures, others as their first line. */
  #constant(node: Node): void {
    const text = this.#slice(node);
    if (
      !/^(?:export\s+)?(?:declare\s+)?(?:const|let|var)\s|^export\s+default\b|^[A-Za-z_]\w*\s*(?::[^=\n]+)?=[^=]/.test(
        text,
      )
    )
      return;
    const arrow = /^[^{;]*?=>/.exec(text.slice(0, SIGNATURE_CHARS_MAX))?.[0];
    this.#signature(
      node.startIndex,
      arrow === undefined ? firstLine(text) : `${oneLine(arrow, SIGNATURE_CHARS_MAX)} …`,
    );
  }

  /** Takes a definition with the text before it on its line: export, visibility, indentation. */
  #signature(from: number, text: string): void {
    const lineFrom = this.#text.lastIndexOf("\n", from - 1) + 1;
    const lead = this.#text.slice(lineFrom, from);
    const own = lead.trim().length > LOGIC_CHARS_MAX ? "" : lead;
    const isPublic =
      /\b(?:export|pub|public)\b/.test(own) || (own.trim() === "" && /^(?:export|pub|public)\b/.test(text));
    if (this.#take(lineFrom, own + text, isPublic ? WEIGHT.exported : WEIGHT.definition)) this.#commentAbove(lineFrom);
  }

  #take(at: number, text: string, weight: number): boolean {
    if (this.#taken.has(at)) return false;
    this.#taken.add(at);
    this.#parts.push({ at, text, weight, isCore: weight >= WEIGHT.exported });
    return true;
  }

  /** The comment that ends on the line before. */
  #commentAbove(lineFrom: number): void {
    const lines: string[] = [];
    for (let end = lineFrom - 1; end > 0 && lines.length < 12;) {
      const from = this.#text.lastIndexOf("\n", end - 1) + 1;
      const line = this.#text.slice(from, Math.min(end, from + COMMENT_CHARS_MAX));
      if (!/^\s*(?:\/\/|\/\*|\*|#(?!!)|@)/.test(line)) break;
      lines.unshift(line);
      end = from - 1;
    }
    if (lines.length > 0) this.#take(lineFrom - 1, lines.join("\n").slice(0, COMMENT_CHARS_MAX), WEIGHT.comment);
  }

  #docstring(from: number): void {
    const quoted = /^[rRuUbBfF]{0,2}("""|''')[\s\S]{0,2000}?\1/.exec(this.#text.slice(from, from + 2_100))?.[0];
    if (quoted !== undefined) this.#take(from, this.#indented(from, quoted), WEIGHT.comment);
  }

  #indented(from: number, text: string): string {
    return this.#text.slice(this.#text.lastIndexOf("\n", from - 1) + 1, from) + text.slice(0, COMMENT_CHARS_MAX);
  }

  #slice({ startIndex, endIndex }: Node): string {
    return this.#text.slice(startIndex, endIndex);
  }
}

function oneLine(text: string, chars: number): string {
  const line = text
    .slice(0, chars * 2)
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= chars && text.length <= chars * 2 ? line : `${line.slice(0, chars)} …`;
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? oneLine(text, LOGIC_CHARS_MAX) : `${oneLine(text.slice(0, end), LOGIC_CHARS_MAX)} …`;
}
