import type { Span } from "./picture.js";
import { seconds, type Stint, type Story } from "../story.js";

/** The data that a picture of a whole run shows. */
export interface Scene {
  readonly title: string;
  readonly story: Story;
  /** In the order of the rows. */
  readonly agents: readonly string[];
  readonly span: Span;
  /** Tasks that need others. */
  readonly joins: ReadonlySet<string>;
}

const SIZE = { width: 960, left: 92, right: 24, top: 58, row: 40, bar: 26, foot: 64 } as const;
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
  readonly join: string;
  readonly joinEdge: string;
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
  join: "#fbefff",
  joinEdge: "#8250df",
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
  join: "#271052",
  joinEdge: "#a371f7",
  wait: "#d29922",
};

/** A picture of a run, row by row who did what when, as an SVG that follows the reader's light or dark preference. */
export function drawScene(scene: Scene): string {
  const height = SIZE.top + scene.agents.length * SIZE.row + SIZE.foot;
  const bars = scene.story.stints.map((stint) => bar(scene, stint));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="baton-demo" role="img" aria-label="${escape(scene.title)}" width="${SIZE.width}" height="${height}" viewBox="0 0 ${SIZE.width} ${height}">`,
    `<style>${style()}</style>`,
    `<rect class="page" width="${SIZE.width}" height="${height}" rx="8"/>`,
    `<text class="title" x="20" y="32">${escape(scene.title)}</text>`,
    ...axis(scene),
    ...scene.agents.map((agent, row) => `<text x="20" y="${rowTop(row) + 18}">${escape(agent)}</text>`),
    plan(scene),
    // Behind the bars of rows in between.
    ...handovers(scene),
    ...bars,
    ...waits(scene),
    ...legend(height - 20),
    "</svg>",
    "",
  ].join("\n");
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
    `.baton-demo .page{fill:${theme.page};stroke:${theme.grid}}.baton-demo .grid{stroke:${theme.grid}}`,
    `.baton-demo .bar{fill:${theme.bar};stroke:${theme.edge}}`,
    `.baton-demo .join{fill:${theme.join};stroke:${theme.joinEdge}}`,
    `.baton-demo .saved{fill:${theme.saved};stroke:${theme.savedEdge}}`,
    `.baton-demo .lost{fill:${theme.lost};stroke:${theme.lostEdge}}`,
    `.baton-demo .wait{fill:${theme.wait}}`,
    `.baton-demo .silent{stroke:${theme.lostEdge}}.baton-demo .cross{stroke:${theme.lostEdge}}`,
    `.baton-demo .way{stroke:${theme.savedEdge}}.baton-demo .start{stroke:${theme.joinEdge}}`,
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
  const { span, agents } = scene;
  const bottom = rowTop(agents.length);
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

function bar(scene: Scene, stint: Stint): string {
  const row = scene.agents.indexOf(stint.agent);
  if (row < 0) return "";
  const { from, to = scene.span.to, killedAt } = stint;
  const y = rowTop(row);
  const left = xAt(scene, from);
  const width = Math.max(2, xAt(scene, killedAt ?? to) - left);
  const took = `${stint.key}, attempt ${stint.attempt}: ${stint.outcome} after ${seconds(to - from)}`;
  const box = `<rect class="${kindOf(scene, stint)}" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${SIZE.bar}" rx="4"/>`;
  const room = Math.floor((width - 8) / CHAR_WIDTH);
  const label = room < LABEL_CHARS_MIN ? beside(left, y, stint.key) : inside(left, y, fitted(stint.key, room));
  return `<g><title>${escape(took)}</title>${box}${label}${killedAt === undefined ? "" : death(scene, { stint, killedAt, y })}</g>`;
}

function inside(left: number, y: number, words: string): string {
  return `<text class="name" x="${left + 4}" y="${y + 17}">${escape(words)}</text>`;
}

/** Draws the name beside a bar: a task that is over in a moment is too narrow for it. */
function beside(left: number, y: number, words: string): string {
  return `<text class="small" x="${left - 5}" y="${y + 17}" text-anchor="end">${escape(words)}</text>`;
}

function fitted(text: string, room: number): string {
  // Names of a family differ at their end.
  return text.length <= room ? text : `…${text.slice(1 - room)}`;
}

function kindOf({ joins }: Scene, { key, outcome, attempt }: Stint): string {
  if (outcome === "lost") return "lost";
  if (attempt > 1) return "saved";
  return joins.has(key) ? "join" : "bar";
}

function death(scene: Scene, { stint, killedAt, y }: { stint: Stint; killedAt: number; y: number }): string {
  const x = xAt(scene, killedAt);
  const end = xAt(scene, stint.to ?? scene.span.to);
  const middle = y + SIZE.bar / 2;
  const cross = `<path class="cross" d="M${x - 5} ${middle - 5}l10 10M${x + 5} ${middle - 5}l-10 10"/>`;
  const silence = `<path class="silent" d="M${x + 10} ${middle}H${end}"/>`;
  return `${silence}${cross}<text class="small soft" x="${x + 14}" y="${middle - 5}">kill -9; lease and lock end after the grace</text>`;
}

function plan(scene: Scene): string {
  const x = xAt(scene, scene.span.from);
  const words = `submits a plan of ${scene.story.total} tasks`;
  return `<path class="way start" d="M${x} ${rowTop(0)}v${SIZE.bar}"/><text class="small soft" x="${x + 8}" y="${rowTop(0) + 17}">${words}</text>`;
}

/** Where an agent stood in line for a file, on the lower edge of what it worked on. */
function waits(scene: Scene): string[] {
  return scene.story.waits.flatMap(({ agent, path, from, to = scene.span.to }) => {
    const row = scene.agents.indexOf(agent);
    if (row < 0) return [];
    const left = xAt(scene, from);
    const width = Math.max(2, xAt(scene, to) - left);
    const words = escape(`${agent} waits for ${path} for ${seconds(to - from)}`);
    const y = rowTop(row) + SIZE.bar - WAIT_HEIGHT;
    return `<rect class="wait" x="${left}" y="${y}" width="${width.toFixed(1)}" height="${WAIT_HEIGHT}"><title>${words}</title></rect>`;
  });
}

/** From where work was lost to where it went on. */
function handovers(scene: Scene): string[] {
  const { stints } = scene.story;
  return stints.flatMap((lost) => {
    const next = stints.find((stint) => stint.key === lost.key && stint.from >= (lost.to ?? Infinity));
    if (lost.outcome !== "lost" || !next || lost.killedAt === undefined) return [];
    const [fromRow, toRow] = [scene.agents.indexOf(lost.agent), scene.agents.indexOf(next.agent)];
    const x = xAt(scene, next.from);
    const up = toRow < fromRow;
    const startY = rowTop(fromRow) + SIZE.bar / 2;
    const endY = rowTop(toRow) + (up ? SIZE.bar + 2 : -2);
    const tip = up ? `l-4 6m4 -6l4 6` : `l-4 -6m4 6l4 -6`;
    const words = `taken over by ${next.agent} ${seconds(next.from - lost.killedAt)} after the kill`;
    const label = `<text class="small" x="${x}" y="${startY + 17}" text-anchor="end">${escape(words)}</text>`;
    return [`<path class="way" d="M${x} ${startY}V${endY}${tip}"/>`, label];
  });
}

function legend(y: number): string[] {
  const entries = [
    ["bar", "a page"],
    ["saved", "second attempt"],
    ["lost", "lost with its agent"],
    ["join", "needs what was before"],
    ["wait", "in line for a shared file"],
  ] as const;
  let x: number = SIZE.left;
  return entries.map(([kind, words]) => {
    const swatch = `<rect class="${kind}" x="${x}" y="${y - 10}" width="14" height="12" rx="3"/>`;
    const text = `<text class="small soft" x="${x + 20}" y="${y}">${words}</text>`;
    x += LEGEND_GAP + Math.round(words.length * LEGEND_CHAR_WIDTH);
    return swatch + text;
  });
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => `&#${sign.codePointAt(0)};`);
}
