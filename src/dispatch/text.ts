import { isObject } from "../base/json.js";
import { startOf } from "../base/texts/stored-values.js";

/** How far a text may be shortened. */
export interface Bounds {
  /** Elements shown of a list. */
  readonly items: number;
  /** Characters shown of a text. */
  readonly chars: number;
}

/** Values that are shown whole whatever the bounds, by their path: `task.prompt`. */
export type Whole = ReadonlySet<string>;

const INLINE_MAX = 100;
const INDENT = "  ";

/**
 * Data as short lines that a model reads well, in the manner of YAML: `key: value`, lists with `- `, small objects on
 * one line, long texts as blocks. Says what it left out and how much.
 */
export function compactText(data: Readonly<Record<string, unknown>>, bounds: Bounds, whole: Whole): string {
  const writer: Writer = { lines: [], bounds, whole };
  writeFields(writer, data, { path: "", indent: "" });
  return writer.lines.join("\n");
}

interface Writer {
  readonly lines: string[];
  readonly bounds: Bounds;
  readonly whole: Whole;
}

interface TextPosition {
  readonly path: string;
  readonly indent: string;
}

function writeFields(writer: Writer, data: Readonly<Record<string, unknown>>, { path, indent }: TextPosition): void {
  for (const [key, value] of Object.entries(data)) {
    if (value !== undefined && value !== null)
      write(writer, value, { path: path === "" ? key : `${path}.${key}`, indent });
  }
}

function write(writer: Writer, value: unknown, place: TextPosition): void {
  const { path, indent } = place;
  const key = keyText(path.slice(path.lastIndexOf(".") + 1));
  const inner = { path, indent: indent + INDENT };
  const short = inline(value, writer, path);
  if (short !== undefined) {
    writer.lines.push(`${indent}${key}: ${short}`);
  } else if (typeof value === "string") {
    writer.lines.push(`${indent}${key}: |`, ...block(cut(value, writer, path), inner.indent));
  } else if (Array.isArray(value)) {
    writer.lines.push(`${indent}${key}: (${value.length})`);
    writeItems(writer, value, inner);
  } else if (isObject(value)) {
    writer.lines.push(`${indent}${key}:`);
    writeFields(writer, value, inner);
  }
}

function writeItems(writer: Writer, items: readonly unknown[], { path, indent }: TextPosition): void {
  const shown = items.slice(0, itemsMax(writer, path));
  for (const item of shown) {
    const short = callText(item) ?? inline(item, writer, path);
    if (short !== undefined) {
      writer.lines.push(`${indent}- ${short}`);
    } else if (isObject(item)) {
      const from = writer.lines.length;
      writeFields(writer, item, { path, indent: indent + INDENT });
      const first = writer.lines[from];
      if (first !== undefined) writer.lines[from] = `${indent}- ${first.slice(indent.length + INDENT.length)}`;
    } else if (Array.isArray(item)) {
      writer.lines.push(`${indent}- (${item.length})`);
      writeItems(writer, item, { path, indent: indent + INDENT });
    } else {
      writer.lines.push(`${indent}- |`, ...block(cut(String(item), writer, path), indent + INDENT));
    }
  }
  const rest = items.length - shown.length;
  if (rest > 0) writer.lines.push(`${indent}… ${rest} more`);
}

/** On one line where it is short enough to be read there. */
function inline(value: unknown, writer: Writer, path: string): string | undefined {
  if (value === null || value === undefined) return "none";
  if (typeof value === "string") {
    const shown = cut(value, writer, path);
    return shown.includes("\n") ? undefined : shown === "" ? '""' : shown;
  }
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return inlineItems(value, writer, path);
  return isObject(value) ? (callText(value) ?? inlineFields(value, writer, path)) : undefined;
}

function inlineItems(items: readonly unknown[], writer: Writer, path: string): string | undefined {
  if (items.length === 0) return "none";
  if (items.length > itemsMax(writer, path) || items.some((item) => typeof item === "object" && item !== null)) {
    return undefined;
  }
  return fitting(items.map((item) => inline(item, writer, path)));
}

function inlineFields(data: Readonly<Record<string, unknown>>, writer: Writer, path: string): string | undefined {
  const fields = Object.entries(data).filter(([, value]) => value !== undefined && value !== null);
  if (fields.length === 0) return "none";
  const parts = fields.map(([key, value]) => {
    const simple = typeof value !== "object" || (Array.isArray(value) && value.length <= 8);
    const text = simple ? inline(value, writer, `${path}.${key}`) : undefined;
    return text === undefined ? undefined : `${keyText(key)} ${Array.isArray(value) ? `[${text}]` : text}`;
  });
  return fitting(parts);
}

function fitting(parts: readonly (string | undefined)[]): string | undefined {
  const known = parts.filter((part) => part !== undefined);
  if (known.length < parts.length) return undefined;
  const line = known.join(", ");
  return line.length <= INLINE_MAX * 2 ? line : undefined;
}

/** A call that can be made as it stands: its arguments are JSON, to be copied. */
function callText(item: unknown): string | undefined {
  if (!isObject(item) || typeof item["tool"] !== "string" || !isObject(item["arguments"])) return undefined;
  return `${item["tool"]} ${JSON.stringify(item["arguments"])}`;
}

/** Lists of which some entries are shown however short the rest: a worker must know what it can ask for. */
const LEAST_ITEMS: ReadonlyMap<string, number> = new Map([
  ["task.dependencies", 40],
  ["result.task.dependencies", 40],
]);

function itemsMax({ bounds, whole }: Writer, path: string): number {
  if (whole.has(path)) return Infinity;
  return Math.max(bounds.items, LEAST_ITEMS.get(path) ?? 0);
}

function cut(text: string, { bounds, whole }: Writer, path: string): string {
  if (text.length <= bounds.chars || whole.has(path)) return text;
  return `${startOf(text, bounds.chars)}… (${text.length - bounds.chars} more characters)`;
}

/** Keys are foreign text too: one with a line end could pass for lines of the answer. */
function keyText(key: string): string {
  return key.replaceAll("\n", String.raw`\n`);
}

function block(text: string, indent: string): string[] {
  return text.split("\n").map((line) => (line === "" ? "" : indent + line));
}
