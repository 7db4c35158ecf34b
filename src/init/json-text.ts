import {
  applyEdits,
  findNodeAtLocation,
  getNodeValue,
  modify,
  type Node,
  type ParseError,
  parseTree,
  stripComments,
} from "jsonc-parser";
import { isObject, type JsonObject } from "../base/json.js";
import { unfit } from "./file-editor.js";

type Way = (string | number)[];

/** The text of a JSON file, changed in place: everything that is not changed, comments and blanks too, stays as it is. */
export class JsonText {
  #text: string;
  readonly #unit: string;
  readonly #eol: string;

  /** Throws `invalid_input` for what is no object, and for comments where `strict`: the client does not read them. */
  constructor(text: string, { strict }: { readonly strict: boolean }) {
    this.#text = text;
    this.#unit = /^([ \t]+)["{[]/m.exec(text)?.[1] ?? "  ";
    this.#eol = text.includes("\r\n") ? "\r\n" : "\n";
    if (strict) requireStrict(text);
    if (!isObject(this.data)) throw unfit("it holds no object");
    refuseTwins(this.#tree());
  }

  get text(): string {
    return this.#text;
  }

  get data(): JsonObject {
    return getNodeValue(this.#tree()) as JsonObject;
  }

  /** Sets a value, making the objects on the way to it, or adds it to the end of the list there. */
  set(way: Way, value: unknown): void {
    const present = findNodeAtLocation(this.#tree(), way);
    if (present === undefined) {
      const missing = way.findIndex((_, at) => findNodeAtLocation(this.#tree(), way.slice(0, at + 1)) === undefined);
      const whole = way.slice(missing + 1).reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
      this.#insert(way.slice(0, missing), JSON.stringify(way[missing]), whole);
    } else this.#splice(present.offset, present.length, this.#written(value, this.#indentAt(present.offset)));
  }

  append(way: Way, value: unknown): void {
    if (findNodeAtLocation(this.#tree(), way) === undefined) this.set(way, [value]);
    else this.#insert(way, undefined, value);
  }

  remove(way: Way): void {
    this.#text = applyEdits(this.#text, modify(this.#text, way, undefined, {}));
  }

  #tree(): Node {
    return treeOf(this.#text);
  }

  #insert(way: Way, key: string | undefined, value: unknown): void {
    const container = findNodeAtLocation(this.#tree(), way);
    const bracket = key === undefined ? "array" : "object";
    if (container?.type !== bracket) throw unfit(`"${way.join(".")}" is no ${key === undefined ? "list" : "object"}`);
    const close = container.offset + container.length - 1;
    const last = container.children?.at(-1);
    const inside = this.#text.slice(container.offset + 1, close);
    const own = this.#indentAt(container.offset);
    const isOneLine = last !== undefined && !inside.includes("\n");
    const label = key === undefined ? "" : `${key}: `;
    if (isOneLine) {
      const end = container.offset + 1 + inside.trimEnd().length;
      const comma = endsWithComma(inside) ? " " : ", ";
      return this.#splice(end, 0, comma + label + JSON.stringify(value));
    }
    const indent = last === undefined ? own + this.#unit : this.#indentAt(last.offset);
    const item = this.#eol + indent + label + this.#written(value, indent);
    const end = container.offset + 1 + inside.trimEnd().length;
    // A comma, comments and blanks may stand between the last item and the bracket.
    const isTight = inside.trim() === "" || !inside.slice(inside.trimEnd().length).includes("\n");
    this.#splice(end, isTight ? close - end : 0, isTight ? item + this.#eol + own : item);
    if (last === undefined) return;
    const after = last.offset + last.length;
    if (!endsWithComma(this.#text.slice(after, end))) this.#splice(after, 0, ",");
  }

  #written(value: unknown, indent: string): string {
    return JSON.stringify(value, undefined, this.#unit).replaceAll("\n", this.#eol + indent);
  }

  /** The blanks at the beginning of the line. */
  #indentAt(offset: number): string {
    const line = this.#text.slice(this.#text.lastIndexOf("\n", offset - 1) + 1, offset);
    return /^[ \t]*/.exec(line)?.[0] ?? "";
  }

  #splice(offset: number, length: number, text: string): void {
    this.#text = this.#text.slice(0, offset) + text + this.#text.slice(offset + length);
  }
}

function treeOf(text: string): Node {
  const errors: ParseError[] = [];
  let tree: Node | undefined;
  try {
    tree = parseTree(text, errors, { allowTrailingComma: true });
  } catch (error) {
    // The parser calls itself for each bracket.
    if (!(error instanceof RangeError)) throw error;
    throw unfit("it is nested too deeply");
  }
  const [first] = errors;
  if (tree === undefined || first !== undefined)
    throw unfit(`it is no JSON at line ${lineOf(text, first?.offset ?? 0)}`);
  return tree;
}

/** Whether a comma stands there, outside of comments. */
function endsWithComma(text: string): boolean {
  return stripComments(text).trimEnd().endsWith(",");
}

function requireStrict(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    treeOf(text);
    throw unfit("it has comments or trailing commas, which its client does not read: it is strict JSON");
  }
}

/** Refuses a key that stands twice: the first is what would be changed, the last is what a client reads. */
function refuseTwins(tree: Node): void {
  const open = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const children = node.children ?? [];
    if (node.type === "object") {
      const keys = children.map((property) => String(property.children?.[0]?.value));
      const twin = keys.find((key, at) => keys.indexOf(key) < at);
      if (twin !== undefined) throw unfit(`its key "${twin}" stands twice in one object`);
    }
    for (const child of children) open.push(child);
  }
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
