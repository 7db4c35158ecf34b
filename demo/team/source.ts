import { readFileSync } from "node:fs";
import path from "node:path";
import { parseAst } from "vitest/node";

/** Something a file exports, as a reader of the page wants to know it. */
export interface Exported {
  readonly name: string;
  readonly kind: "function" | "class" | "interface" | "type" | "constant" | "re-export";
  /** As it stands in the source, without bodies. */
  readonly signature: string;
  /** The text of the doc comment before it. */
  readonly doc: string | undefined;
  /** Counted from 1. */
  readonly line: number;
}

export interface SourceFile {
  /** Relative to the repository, with forward slashes. */
  readonly file: string;
  readonly exports: readonly Exported[];
  /** Files of the repository that it imports, as paths relative to it. */
  readonly imports: readonly string[];
}

/** Reads what a file exports from its syntax tree. Throws where the file is not TypeScript. */
export function readSource(root: string, file: string): SourceFile {
  return parseSource(file, readFileSync(path.join(root, file), "utf8"));
}

export function parseSource(file: string, text: string): SourceFile {
  // oxlint-disable-next-line typescript/no-deprecated -- the one parser that a listed dependency hands on
  const program: unknown = parseAst(text, { lang: "ts", astType: "ts" });
  const reader = new Reader(text, nodesOf(isNode(program) ? program["body"] : undefined));
  const imports = reader.specifiers().filter((specifier) => specifier.startsWith("."));
  return {
    file,
    exports: reader.exports(),
    imports: [...new Set(imports.map((specifier) => resolve(file, specifier)))].sort(),
  };
}

function resolve(file: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, ".ts");
}

/** A node of the ESTree form of TypeScript, of which this module reads few enough fields to look at them one by one. */
type SyntaxNode = { type: string; start: number; end: number } & Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function nodesOf(value: unknown): SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function nodeOf(value: unknown): SyntaxNode | undefined {
  return isNode(value) ? value : undefined;
}

const LINES_MAX = { type: 60, value: 16 } as const;

class Reader {
  readonly #text: string;
  readonly #body: readonly SyntaxNode[];

  constructor(text: string, body: readonly SyntaxNode[]) {
    this.#text = text;
    this.#body = body;
  }

  specifiers(): string[] {
    return this.#body.flatMap(({ source }) => {
      const value = nodeOf(source)?.["value"];
      return typeof value === "string" ? [value] : [];
    });
  }

  exports(): Exported[] {
    return this.#body.flatMap((statement, index) => {
      if (statement.type === "ExportAllDeclaration") return [this.#reExport(statement, this.#textOf(statement))];
      if (statement.type !== "ExportNamedDeclaration") return [];
      const declaration = nodeOf(statement["declaration"]);
      if (declaration) return this.#declared(declaration, { at: statement, index });
      return nodesOf(statement["specifiers"]).map((specifier) => this.#listed(statement, specifier));
    });
  }

  /** `export { a }` of something declared here is what was declared; of another file it says where it comes from. */
  #listed(statement: SyntaxNode, specifier: SyntaxNode): Exported {
    const name = this.#nameOf(specifier["exported"]) ?? "";
    const local = this.#nameOf(specifier["local"]);
    if (statement["source"] === null) {
      for (const [index, node] of this.#body.entries()) {
        const found = this.#declared(node, { at: node, index }).find((one) => one.name === local);
        if (found) return { ...found, name };
      }
    }
    const from = nodeOf(statement["source"]);
    const origin = from === undefined ? "" : ` from ${this.#textOf(from)}`;
    return { ...this.#reExport(statement, `export { ${this.#textOf(specifier)} }${origin};`), name };
  }

  #reExport(statement: SyntaxNode, signature: string): Exported {
    return { name: "*", kind: "re-export", signature, doc: undefined, line: this.#lineOf(statement.start) };
  }

  #declared(node: SyntaxNode, place: { at: SyntaxNode; index: number }): Exported[] {
    const shared = { doc: this.#docBefore(place), line: this.#lineOf(place.at.start) };
    const name = this.#nameOf(node["id"]) ?? "";
    switch (node.type) {
      case "FunctionDeclaration":
      case "TSDeclareFunction":
        return [{ ...shared, name, kind: "function", signature: this.#headOf(node) }];
      case "ClassDeclaration":
        return [{ ...shared, name, kind: "class", signature: this.#classOf(node) }];
      case "TSInterfaceDeclaration":
        return [{ ...shared, name, kind: "interface", signature: clip(this.#textOf(node), LINES_MAX.type) }];
      case "TSTypeAliasDeclaration":
      case "TSEnumDeclaration":
        return [{ ...shared, name, kind: "type", signature: clip(this.#textOf(node), LINES_MAX.type) }];
      case "VariableDeclaration":
        return nodesOf(node["declarations"]).map((one) => ({ ...shared, ...this.#constant(one) }));
      default:
        return [];
    }
  }

  #constant(declarator: SyntaxNode): Pick<Exported, "name" | "kind" | "signature"> {
    const name = this.#nameOf(declarator["id"]) ?? "";
    const init = nodeOf(declarator["init"]);
    const body = nodeOf(init?.["body"]);
    if (init && body && /Function/.test(init.type)) {
      const head = this.#text.slice(declarator.start, body.start).trimEnd();
      return { name, kind: "function", signature: `const ${head} …` };
    }
    return { name, kind: "constant", signature: clip(`const ${this.#textOf(declarator)};`, LINES_MAX.value) };
  }

  #classOf(node: SyntaxNode): string {
    const body = nodeOf(node["body"]);
    if (!body) return this.#textOf(node);
    const members = nodesOf(body["body"]);
    const shown = members.flatMap((member, index) => {
      const key = nodeOf(member["key"]);
      if (key?.type === "PrivateIdentifier" || member["accessibility"] === "private") return [];
      const before = this.#text.slice(members[index - 1]?.end ?? body.start + 1, member.start);
      return [`${docIn(before) ? `  ${before.trim()}\n` : ""}  ${this.#memberHead(member)};`];
    });
    return clip(`${this.#text.slice(node.start, body.start)}{\n${shown.join("\n")}\n}`, LINES_MAX.type);
  }

  #memberHead(member: SyntaxNode): string {
    const value = nodeOf(member["value"]);
    const body = nodeOf(value?.["body"]);
    if (body && member.type === "MethodDefinition") return this.#text.slice(member.start, body.start).trim();
    const end = value && member.type === "PropertyDefinition" ? value.start : member.end;
    return this.#text.slice(member.start, end).replace(/[\s=;]+$/, "");
  }

  /** A function without its body. */
  #headOf(node: SyntaxNode): string {
    const body = nodeOf(node["body"]);
    return body ? this.#text.slice(node.start, body.start).trim() : this.#textOf(node);
  }

  #docBefore({ at, index }: { at: SyntaxNode; index: number }): string | undefined {
    return docIn(this.#text.slice(this.#body[index - 1]?.end ?? 0, at.start));
  }

  #nameOf(node: unknown): string | undefined {
    const name = nodeOf(node)?.["name"] ?? nodeOf(node)?.["value"];
    return typeof name === "string" ? name : undefined;
  }

  #textOf(node: SyntaxNode): string {
    return this.#text.slice(node.start, node.end);
  }

  #lineOf(offset: number): number {
    return this.#text.slice(0, offset).split("\n").length;
  }
}

/** The doc comment that ends a stretch of comments and white space. */
function docIn(gap: string): string | undefined {
  const comments = [...gap.matchAll(/\/\/.*|\/\*[\s\S]*?\*\//g)];
  const last = comments.at(-1);
  if (!last?.[0].startsWith("/**") || gap.slice(last.index + last[0].length).trim() !== "") return undefined;
  const text = last[0]
    .slice(3, -2)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .replaceAll(/\{@link\s+([^}]*)\}/g, "$1")
    .trim();
  return text === "" ? undefined : text;
}

function clip(text: string, linesMax: number): string {
  const lines = text.split("\n");
  if (lines.length <= linesMax) return text;
  return [...lines.slice(0, linesMax - 1), `// … ${lines.length - linesMax + 1} more lines`].join("\n");
}
