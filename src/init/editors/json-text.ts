import { findNodeAtLocation, getNodeValue, type Node, type ParseError, parseTree, stripComments } from "jsonc-parser";
import { isObject, type JsonObject } from "../../base/json.js";
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
    // The parser's objects have no prototype, and would equal no other.
    return structuredClone(getNodeValue(this.#tree()) as JsonObject);
  }

  /** Sets a value, making the objects on the way to it, or adds it to the end of the list there. */
  set(way: Way, value: unknown): void {
    const present = findNodeAtLocation(this.#tree(), way);
    if (present === undefined) {
      const missing = way.findIndex((_, at) => findNodeAtLocation(this.#tree(), way.slice(0, at + 1)) === undefined);
      const whole = way.slice(missing + 1).reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
      this.#insert(way.slice(0, missing), JSON.stringify(way[missing]), whole);
      return;
    }
    const isOneLine = !this.#text.slice(present.offset, present.offset + present.length).includes("\n");
    const written = isOneLine ? JSON.stringify(value) : this.#written(value, this.#indentAt(present.offset));
    this.#splice(present.offset, present.length, written);
  }

  append(way: Way, value: unknown): void {
    if (findNodeAtLocation(this.#tree(), way) === undefined) this.set(way, [value]);
    else this.#insert(way, undefined, value);
  }

  /** Takes out a key with its value, or an item of a list, with the comma that it needed and the blanks before it. */
  remove(way: Way): void {
    const value = findNodeAtLocation(this.#tree(), way);
    const item = value?.parent?.type === "property" ? value.parent : value;
    const container = item?.parent;
    if (item === undefined || container?.children === undefined) return;
    const at = container.children.indexOf(item);
    const [previous, next] = [container.children[at - 1], container.children[at + 1]];
    const [end, close] = [item.offset + item.length, container.offset + container.length - 1];
    const comma = this.#commaIn(end, next?.offset ?? close);
    if (comma !== undefined) this.#splice(comma, 1, "");
    const before = this.#text.slice(0, item.offset).trimEnd().length;
    const after = this.#text.slice(end, comma === undefined ? close : close - 1);
    const isAlone = before === container.offset + 1 && after.trim() === "";
    this.#splice(before, end + (isAlone ? after.length : 0) - before, "");
    if (comma !== undefined || previous === undefined) return;
    const unneeded = this.#commaIn(previous.offset + previous.length, before);
    if (unneeded !== undefined) this.#splice(unneeded, 1, "");
  }

  /** The comma between two items, or after the last, outside of comments. */
  #commaIn(from: number, to: number): number | undefined {
    const at = stripComments(this.#text.slice(from, to), " ").indexOf(",");
    return at < 0 ? undefined : from + at;
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
