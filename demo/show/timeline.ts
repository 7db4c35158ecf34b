import type { Span } from "./picture.js";
import type { Refusal } from "../team/orders.js";
import { clientOf, seconds, type Stint, type Story } from "../story.js";

/** The data that a picture of a whole run shows. */
export interface Scene {
  readonly story: Story;
  readonly refusals: readonly Refusal[];
  /** In the order of the rows. */
  readonly clients: readonly string[];
  readonly span: Span;
}

const SIZE = { width: 960, left: 112, right: 24, top: 78, row: 44, bar: 28, foot: 64 } as const;
const WAIT_HEIGHT = 5;
const CHAR_WIDTH = 6.1;
const LEGEND_CHAR_WIDTH = 6.7;
const LEGEND_GAP = 44;
const LABEL_CHARS_MIN = 4;
const TICK_MS = 2_000;

interface Theme {
  readonly page: string;
  readonly ink: string;
  readonly soft: string;
  readonly grid: string;
  readonly bar: string;
  readonly edge: string;
  readonly lost: string;
  readonly lostEdge: string;
  readonly saved: string;
  readonly savedEdge: string;
  readonly dark: string;
  readonly wait: string;
}

const LIGHT: Theme = {
  page: "#ffffff",
  ink: "#1f2328",
  soft: "#656d76",
  grid: "#e6e9ed",
  bar: "#ddf4ff",
  edge: "#0969da",
  lost: "#ffebe9",
  lostEdge: "#cf222e",
  saved: "#dafbe1",
  savedEdge: "#1a7f37",
  dark: "#f6e3e1",
  wait: "#d4a72c",
};
const DARK: Theme = {
  page: "#0d1117",
  ink: "#e6edf3",
  soft: "#9198a1",
  grid: "#21262d",
  bar: "#0c2d6b",
  edge: "#58a6ff",
  lost: "#490202",
  lostEdge: "#f85149",
  saved: "#033a16",
  savedEdge: "#3fb950",
  dark: "#2d1214",
  wait: "#d29922",
};

/** A picture of a run, row by row who did what when, as an SVG that follows the reader's light or dark preference. */
export function drawScene(scene: Scene): string {
  const { story, span } = scene;
  const height = SIZE.top + scene.clients.length * SIZE.row + SIZE.foot;
  const took = seconds(span.to - span.from);
  const title = `Three assistants, one repository, ${story.total} tasks, ${took}: everything is killed, and all of it goes on`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="baton-demo" role="img" aria-label="${escape(title)}" width="${SIZE.width}" height="${height}" viewBox="0 0 ${SIZE.width} ${height}">`,
    `<style>${style()}</style>`,
    `<rect class="page" width="${SIZE.width}" height="${height}" rx="8"/>`,
    `<text class="title" x="20" y="32">${escape(title)}</text>`,
    ...darkness(scene),
    ...axis(scene),
    ...scene.clients.map((client, row) => `<text x="20" y="${rowTop(row) + 18}">${escape(client)}</text>`),
    // Behind the bars of rows in between.
    ...handovers(scene),
    ...story.stints.map((stint) => bars(scene, stint)),
    ...waits(scene),
    ...refusals(scene),
    ...legend(height - 20),
    "</svg>",
    "",
  ].join("\n");
}

/** The time in which nothing ran, across all rows. */
function darkness(scene: Scene): string[] {
  const { killedAt, restartedAt } = scene.story;
  const [left, right] = [xAt(scene, killedAt), xAt(scene, restartedAt)];
  const bottom = rowTop(scene.clients.length) - SIZE.row + SIZE.bar + 8;
  return [
    `<rect class="dark" x="${left}" y="${SIZE.top - 8}" width="${(right - left).toFixed(1)}" height="${bottom - SIZE.top + 8}"/>`,
    `<text class="small" x="${left}" y="${SIZE.top - 14}" text-anchor="middle">kill -9: all clients and servers</text>`,
    `<text class="small" x="${right + 4}" y="${bottom - 4}">started again</text>`,
  ];
}

/** Colours stand in the rules themselves: programs that draw SVG outside browsers know no variables, and painted all black. */
function style(): string {
  return [
    ".baton-demo text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}",
    ".baton-demo .title{font-size:15px;font-weight:600}",
    ".baton-demo .small{font-size:11px}.baton-demo .name{font-size:10px}",
    ".baton-demo .silent{fill:none;stroke-dasharray:3 4}",
    ".baton-demo .cross{fill:none;stroke-width:2.5}",
    ".baton-demo .way{fill:none;stroke-width:1.5}",
    ...painted(LIGHT),
    `@media (prefers-color-scheme:dark){${painted(DARK).join("")}}`,
  ].join("");
}

function painted(theme: Theme): string[] {
  return [
    `.baton-demo text{fill:${theme.ink}}.baton-demo .soft{fill:${theme.soft}}`,
    `.baton-demo .page{fill:${theme.page};stroke:${theme.grid}}.baton-demo .grid{stroke:${theme.grid}}.baton-demo .dark{fill:${theme.dark}}`,
    `.baton-demo .bar{fill:${theme.bar};stroke:${theme.edge}}`,
    `.baton-demo .saved{fill:${theme.saved};stroke:${theme.savedEdge}}`,
    `.baton-demo .lost{fill:${theme.lost};stroke:${theme.lostEdge}}`,
    `.baton-demo .wait{fill:${theme.wait}}.baton-demo .refused{fill:${theme.lostEdge};stroke:${theme.page}}`,
    `.baton-demo .silent{stroke:${theme.lostEdge}}.baton-demo .cross{stroke:${theme.lostEdge}}`,
    `.baton-demo .way{stroke:${theme.savedEdge}}`,
  ];
}

function rowTop(row: number): number {
  return SIZE.top + row * SIZE.row;
}

function xAt({ span }: Scene, at: number): number {
  const part = (at - span.from) / (span.to - span.from);
  return Math.round(10 * (SIZE.left + part * (SIZE.width - SIZE.left - SIZE.right))) / 10;
}

function axis(scene: Scene): string[] {
  const { span, clients } = scene;
  const bottom = rowTop(clients.length);
  const lines: string[] = [];
  for (let at = 0; at <= span.to - span.from; at += TICK_MS) {
    const x = xAt(scene, span.from + at);
    lines.push(
      `<path class="grid" d="M${x} ${SIZE.top - 6}V${bottom}"/>` +
        `<text class="small soft" x="${x}" y="${bottom + 14}" text-anchor="middle">${at / 1000} s</text>`,
    );
  }
  return lines;
}

function rowOf({ clients }: Scene, agent: string): number {
  return clients.indexOf(clientOf(agent));
}

/** A stint in up to two bars: before the kill, and after its client had it back. */
function bars(scene: Scene, stint: Stint): string {
  const row = rowOf(scene, stint.agent);
  if (row < 0) return "";
  const { from, to = scene.span.to, killedAt, resumedAt, outcome, attempt } = stint;
  const y = rowTop(row);
  const words = `${stint.key}, attempt ${attempt}: ${outcome} after ${seconds(to - from)}`;
  const drawn =
    killedAt === undefined
      ? [bar(scene, { from, to, y, kind: attempt > 1 ? "saved" : "bar", name: stint.key })]
      : [
          bar(scene, { from, to: killedAt, y, kind: outcome === "lost" ? "lost" : "bar", name: stint.key }),
          silence(scene, { from: killedAt, to: resumedAt ?? to, y }),
          ...(resumedAt === undefined ? [] : [bar(scene, { from: resumedAt, to, y, kind: "saved", name: stint.key })]),
        ];
  return `<g><title>${escape(words)}</title>${drawn.join("")}</g>`;
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly y: number;
  readonly kind: "bar" | "saved" | "lost";
  readonly name: string;
}

function bar(scene: Scene, { from, to, y, kind, name }: Bar): string {
  const left = xAt(scene, from);
  const width = Math.max(2, xAt(scene, to) - left);
  const box = `<rect class="${kind}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${SIZE.bar}" rx="4"/>`;
  const room = Math.floor((width - 8) / CHAR_WIDTH);
  return `${box}${room < LABEL_CHARS_MIN ? "" : inside(left, y, fitted(name, room))}`;
}

function silence(scene: Scene, { from, to, y }: Pick<Bar, "from" | "to" | "y">): string {
  const [x, end] = [xAt(scene, from), xAt(scene, to)];
  const middle = y + SIZE.bar / 2;
  const cross = `<path class="cross" d="M${x - 5} ${middle - 5}l10 10M${x + 5} ${middle - 5}l-10 10"/>`;
  return `<path class="silent" d="M${x + 10} ${middle}H${end}"/>${cross}`;
}

function inside(left: number, y: number, words: string): string {
  return `<text class="name" x="${left + 4}" y="${y + 17}">${escape(words)}</text>`;
}

function fitted(text: string, room: number): string {
  // Names of a family differ at their end.
  return text.length <= room ? text : `…${text.slice(1 - room)}`;
}

/** Where an agent stood in line for a file, on the lower edge of what it worked on. */
function waits(scene: Scene): string[] {
  return scene.story.waits.flatMap(({ agent, path, from, to = scene.span.to }) => {
    const row = rowOf(scene, agent);
    if (row < 0) return [];
    const left = xAt(scene, from);
    const width = Math.max(2, xAt(scene, to) - left);
    const words = escape(`${clientOf(agent)} waits for ${path} for ${seconds(to - from)}`);
    const y = rowTop(row) + SIZE.bar - WAIT_HEIGHT;
    return `<rect class="wait" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${WAIT_HEIGHT}"><title>${words}</title></rect>`;
  });
}

/** Calls that a hook refused, on the upper edge of the row. */
function refusals(scene: Scene): string[] {
  return scene.refusals.map(({ client, at, call, why }) => {
    const [x, y] = [xAt(scene, at), rowTop(rowOf(scene, client))];
    const words = escape(`${client} is refused ${call}: ${why}`);
    return `<path class="refused" d="${diamond(x, y)}"><title>${words}</title></path>`;
  });
}

function diamond(x: number, y: number): string {
  return `M${x} ${y - 6}l6 6l-6 6l-6 -6z`;
}

/** From the agent that did not come back to the one that took its task over. */
function handovers(scene: Scene): string[] {
  const { stints, restartedAt } = scene.story;
  return stints.flatMap((lost) => {
    const next = stints.find(({ key, attempt }) => key === lost.key && attempt > lost.attempt);
    if (lost.outcome !== "lost" || !next || lost.killedAt === undefined) return [];
    const [fromRow, toRow] = [rowOf(scene, lost.agent), rowOf(scene, next.agent)];
    const x = xAt(scene, next.from);
    const y = rowTop(fromRow) + SIZE.bar;
    const words = `${lost.key} taken over ${seconds(next.from - restartedAt)} after the restart`;
    const label = `<text class="small" x="${x - 4}" y="${y + 10}" text-anchor="end">${escape(words)}</text>`;
    if (fromRow === toRow) return [label];
    const up = toRow < fromRow;
    const endY = rowTop(toRow) + (up ? SIZE.bar + 2 : -2);
    const tip = up ? "l-4 6m4 -6l4 6" : "l-4 -6m4 6l4 -6";
    return [`<path class="way" d="M${x} ${y - SIZE.bar / 2}V${endY}${tip}"/>`, label];
  });
}

function legend(y: number): string[] {
  const entries = [
    ["bar", "a task"],
    ["saved", "goes on after the kill"],
    ["lost", "did not come back"],
    ["wait", "waits for a file"],
    ["refused", "refused: touches another's file"],
  ] as const;
  let x: number = SIZE.left;
  return entries.map(([kind, words]) => {
    const swatch =
      kind === "refused"
        ? `<path class="refused" d="${diamond(x + 7, y - 4)}"/>`
        : `<rect class="${kind}" x="${x}" y="${y - 10}" width="14" height="12" rx="3"/>`;
    const text = `<text class="small soft" x="${x + 20}" y="${y}">${words}</text>`;
    x += LEGEND_GAP + Math.round(words.length * LEGEND_CHAR_WIDTH);
    return swatch + text;
  });
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);
}
