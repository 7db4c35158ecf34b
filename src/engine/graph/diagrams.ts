import { shownLine } from "../../base/texts/shown-text.js";
import { startOf } from "../../base/texts/stored-values.js";
import type { TaskStatus } from "../../base/statuses.js";
import { BOX, type Layout, layOut, type Line } from "./layout.js";

/** A task as a picture shows it. Every text may come from an agent: each format escapes it in its own way. */
export interface PictureNode {
  readonly key: string;
  readonly needs: readonly string[];
  readonly title: string;
  /** A step's kind: agent, command, … Unknown ones are drawn as agent is. */
  readonly kind: string;
  /** Absent in the picture of a definition, which is drawn without colours. */
  readonly status?: TaskStatus | undefined;
}

export interface PictureOptions {
  /** Only the first so many nodes are drawn, with a note that says how many are not. Default: all. */
  readonly maxNodes?: number | undefined;
}

interface Paint {
  readonly fill: string;
  readonly stroke: string;
  readonly darkFill: string;
  readonly darkStroke: string;
}

const INK = { light: "#1f2328", dark: "#e6edf3" } as const;
const PLAIN: Paint = {
  fill: "#f6f8fa",
  stroke: "#8c959f",
  darkFill: "#161b22",
  darkStroke: "#8b949e",
};
const PAINTS = {
  pending: PLAIN,
  ready: { fill: "#ddf4ff", stroke: "#0969da", darkFill: "#0c2d6b", darkStroke: "#58a6ff" },
  running: { fill: "#fff8c5", stroke: "#bf8700", darkFill: "#3b2300", darkStroke: "#d29922" },
  waiting: { fill: "#fbefff", stroke: "#8250df", darkFill: "#271052", darkStroke: "#a371f7" },
  in_review: { fill: "#ffeff7", stroke: "#bf3989", darkFill: "#42062a", darkStroke: "#db61a2" },
  succeeded: { fill: "#dafbe1", stroke: "#1a7f37", darkFill: "#033a16", darkStroke: "#3fb950" },
  skipped: { fill: "#eaeef2", stroke: "#afb8c1", darkFill: "#21262d", darkStroke: "#6e7681" },
  blocked: { fill: "#fff1e5", stroke: "#bc4c00", darkFill: "#3d1300", darkStroke: "#f0883e" },
  cancelled: { fill: "#eaeef2", stroke: "#57606a", darkFill: "#21262d", darkStroke: "#b1bac4" },
  dead_letter: { fill: "#ffebe9", stroke: "#cf222e", darkFill: "#490202", darkStroke: "#f85149" },
} as const satisfies Record<TaskStatus, Paint>;

// `Object.keys` is typed as any strings; `satisfies` above holds these to the task states.
const STATUSES = Object.keys(PAINTS) as readonly TaskStatus[];

const LABEL_CHARS_MAX = 48;

interface Scene {
  readonly nodes: readonly PictureNode[];
  /** Pairs of positions in `nodes`, dependency first. */
  readonly edges: readonly (readonly [number, number])[];
  readonly statuses: readonly TaskStatus[];
  readonly hidden: number;
}

function sceneOf(all: readonly PictureNode[], { maxNodes = Infinity }: PictureOptions): Scene {
  const kept = all.slice(0, Math.max(0, maxNodes));
  const indexOf = new Map(kept.map(({ key }, index) => [key, index]));
  const nodes = kept.map((node) => ({
    ...node,
    needs: [...new Set(node.needs)].filter((need) => indexOf.has(need)),
  }));
  const edges = nodes.flatMap(({ needs }, to) => needs.map((need) => [indexOf.get(need) ?? 0, to] as const));
  const used = new Set(nodes.map(({ status }) => status));
  const statuses = STATUSES.filter((status) => used.has(status));
  return { nodes, edges, statuses, hidden: all.length - kept.length };
}

/** One line of text as it is shown, white space as one blank, and its end cut. */
function oneLine(text: string, charsMax = LABEL_CHARS_MAX): string {
  // A bound on the work before the exact cut: a title may be long, and a character is at most two units.
  const clean = shownLine(startOf(text, 8 * charsMax));
  const chars = Array.from(clean);
  return chars.length <= charsMax && text.length <= 8 * charsMax ? clean : `${chars.slice(0, charsMax - 1).join("")}…`;
}

const escapeEach = (text: string, pattern: RegExp, escape: (codePoint: number) => string): string =>
  text.replace(pattern, (char) => escape(char.codePointAt(0) ?? 0));

/** Key and title, once where they are the same. */
function labelLines({ key, title }: PictureNode): string[] {
  return [...new Set([oneLine(key), oneLine(title)])].filter((line) => line !== "");
}

const MERMAID_SHAPES: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["command", ["[[", "]]"]],
  ["tool", ["[[", "]]"]],
  ["human", ["{{", "}}"]],
  ["gate", ["{", "}"]],
  ["wait", ["([", "])"]],
]);

/** A Mermaid flowchart from left to right. Node ids are positions, so no key can reach the syntax. */
export function toMermaid(nodes: readonly PictureNode[], options: PictureOptions = {}): string {
  const scene = sceneOf(nodes, options);
  const lines = ["flowchart LR"];
  scene.nodes.forEach((node, index) => {
    const [open, close] = MERMAID_SHAPES.get(node.kind) ?? ["[", "]"];
    const label = labelLines(node).map(mermaidText).join("<br/>");
    lines.push(`  n${index}${open}"${label}"${close}${node.status ? `:::${node.status}` : ""}`);
  });
  if (scene.hidden > 0) lines.push(`  more["… ${scene.hidden} more"]`);
  for (const [from, to] of scene.edges) lines.push(`  n${from} --> n${to}`);
  for (const status of scene.statuses) {
    const { fill, stroke } = PAINTS[status];
    lines.push(`  classDef ${status} fill:${fill},stroke:${stroke},color:${INK.light}`);
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Everything but letters, digits and harmless punctuation becomes an entity code (`#34;`). A colon stays only before a
 * blank: Mermaid drops the semicolon of an entity after `style…:` or `classDef…:` in the same line.
 */
const mermaidText = (text: string): string =>
  escapeEach(text, /:(?! )|[^\p{L}\p{N}\p{M} :.,/()'+=!?_…-]/gu, (code) => `#${code};`);

const DOT_SHAPES: ReadonlyMap<string, string> = new Map([
  ["command", "component"],
  ["tool", "component"],
  ["human", "hexagon"],
  ["gate", "diamond"],
  ["wait", "ellipse"],
]);

/** A Graphviz digraph from left to right, with ids as in Mermaid. */
export function toDot(nodes: readonly PictureNode[], options: PictureOptions = {}): string {
  const scene = sceneOf(nodes, options);
  const lines = [
    "digraph baton {",
    "  rankdir=LR;",
    `  node [shape=box, style="rounded,filled", fontname="sans-serif", fontcolor="${INK.light}"];`,
    `  edge [color="${PLAIN.stroke}"];`,
  ];
  scene.nodes.forEach((node, index) => {
    const { fill, stroke } = node.status ? PAINTS[node.status] : PLAIN;
    const shape = DOT_SHAPES.get(node.kind);
    const look = shape ? `shape=${shape}, style=filled, ` : "";
    const label = labelLines(node).map(dotText).join("\\n");
    lines.push(`  n${index} [label="${label}", ${look}fillcolor="${fill}", color="${stroke}"];`);
  });
  if (scene.hidden > 0) lines.push(`  more [label="… ${scene.hidden} more", shape=plaintext, style=""];`);
  for (const [from, to] of scene.edges) lines.push(`  n${from} -> n${to};`);
  return `${[...lines, "}"].join("\n")}\n`;
}

/** Inside a quoted string Graphviz reads backslash sequences (`\N` is the node's name) and HTML entities. */
const dotText = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("\\", "\\\\").replaceAll('"', '\\"');

const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
/** Width of a box, in half-width cells of the two font sizes. */
const CELLS = { title: 25, detail: 30 } as const;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/**
 * A self-contained SVG in columns from left to right; it follows the reader's light or dark preference, loads nothing
 * and runs nothing. Throws `BatonError` `invalid_input` where the tasks wait for each other in a cycle.
 */
export function toSvg(nodes: readonly PictureNode[], options: PictureOptions = {}): string {
  const scene = sceneOf(nodes, options);
  const layout = layOut(scene.nodes);
  const noteHeight = scene.hidden > 0 ? 30 : 0;
  const height = layout.height + noteHeight;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" class="baton-run" role="img" aria-label="Task graph" ` +
      `width="${layout.width}" height="${height}" viewBox="0 0 ${layout.width} ${height}">`,
    `<style>${svgStyle(scene.statuses)}</style>`,
    `<defs><marker id="baton-tip" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="7" markerHeight="7" orient="auto">` +
      `<path class="tip" d="M0 0L6 3L0 6Z"/></marker></defs>`,
    `<rect class="page" width="100%" height="100%"/>`,
    `<g class="lines" marker-end="url(#baton-tip)">`,
    ...layout.lines.map((line) => `<path d="${curve(line)}"/>`),
    "</g>",
    ...scene.nodes.map((node, index) => svgBox(node, index, layout)),
  ];
  if (scene.hidden > 0) parts.push(`<text x="24" y="${height - 20}">… ${scene.hidden} more</text>`);
  return `${[...parts, "</svg>"].join("\n")}\n`;
}

function svgStyle(statuses: readonly TaskStatus[]): string {
  const theme = (dark: boolean): string => {
    const paint = (selector: string, { fill, stroke, darkFill, darkStroke }: Paint) =>
      `${selector}{fill:${dark ? darkFill : fill};stroke:${dark ? darkStroke : stroke}}`;
    return [
      `.baton-run text{fill:${dark ? INK.dark : INK.light}}`,
      `.baton-run .page{fill:${dark ? "#0d1117" : "#ffffff"}}`,
      `.baton-run .lines{stroke:${dark ? "#6e7681" : "#8c959f"}}`,
      `.baton-run .tip{fill:${dark ? "#6e7681" : "#8c959f"};stroke:none}`,
      paint(".baton-run .box", PLAIN),
      ...statuses.map((status) => paint(`.baton-run .${status} .box`, PAINTS[status])),
    ].join("");
  };
  const shape = [
    `.baton-run text{font:12px ${FONT}}`,
    ".baton-run .detail{font-size:10px;opacity:.75}",
    ".baton-run .lines{fill:none;stroke-width:1.2}",
    ".baton-run .box{stroke-width:1.5}",
    ".baton-run .skipped .box,.baton-run .cancelled .box{stroke-dasharray:4 3}",
  ].join("");
  return `${shape}${theme(false)}@media (prefers-color-scheme:dark){${theme(true)}}`;
}

/** Across each gap an S-curve, along each column a straight piece. */
function curve({ points }: Line): string {
  let path = "";
  points.forEach(({ x, y }, index) => {
    const last = points[index - 1];
    if (!last) path += `M${x} ${y}`;
    else if (index % 2 === 0) path += `L${x} ${y}`;
    else path += `C${(last.x + x) / 2} ${last.y} ${(last.x + x) / 2} ${y} ${x} ${y}`;
  });
  return path;
}

/** States whose name a person would not say. */
const WORDS: Partial<Readonly<Record<TaskStatus, string>>> = { dead_letter: "failed", in_review: "in review" };

function svgBox(node: PictureNode, index: number, { corners }: Layout): string {
  const { x, y } = corners[index] ?? { x: 0, y: 0 };
  const key = oneLine(node.key);
  const title = oneLine(node.title) || key;
  const facts = [node.status && (WORDS[node.status] ?? node.status), oneLine(node.kind)].filter(
    (fact) => fact !== undefined && fact !== "",
  );
  const details = title === key ? facts : [...facts, key];
  const tooltip = `${title === key ? "" : `${key}: `}${oneLine(node.title, 400)}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`;
  const corner = node.kind === "command" || node.kind === "tool" ? 2 : 9;
  return (
    `<g${node.status ? ` class="${node.status}"` : ""}><title>${svgText(tooltip)}</title>` +
    `<rect class="box" x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="${corner}"/>` +
    `<text x="${x + 12}" y="${y + 20}">${svgText(fitted(title, CELLS.title))}</text>` +
    `<text class="detail" x="${x + 12}" y="${y + 36}">${svgText(fitted(details.join(" · "), CELLS.detail))}</text></g>`
  );
}

/** Cut to a number of cells of a monospaced font, where ideographs and emoji take two. */
function fitted(text: string, cells: number): string {
  const kept: string[] = [];
  let used = 0;
  for (const char of text) {
    used += WIDE.test(char) ? 2 : 1;
    if (used > cells) return `${kept.slice(0, -1).join("")}…`;
    kept.push(char);
  }
  return text;
}

const svgText = (text: string): string => escapeEach(text, /[&<>"']/g, (code) => `&#${code};`);
