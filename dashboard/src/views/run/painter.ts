import { shownText } from "../../../../src/base/texts/shown-characters.js";
import { TASK_TONES, type Tone } from "../../parts/status.js";
import { BOX, type GraphLayout } from "./layout.js";
import type { GraphTask } from "./run-graph.js";

/** The part of the drawing in sight: its top left corner in the drawing, and pixels for each unit. */
export interface Sight {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Drawing {
  readonly layout: GraphLayout;
  readonly tasks: readonly GraphTask[];
  readonly chosen: string | undefined;
}

export type Palette = Readonly<Record<Tone | "line" | "surface" | "text" | "muted" | "accent", string>>;

const NAMES = [
  "idle",
  "ready",
  "active",
  "waiting",
  "good",
  "bad",
  "off",
  "line",
  "surface",
  "text",
  "muted",
  "accent",
] as const;
/** Below this a text could not be read. */
const TEXT_SCALE_MIN = 0.45;
/** Below this lines would be one grey area, and take most of the time. */
const EDGE_SCALE_MIN = 0.06;

/** Colours of the theme that is shown: a probe tells what a variable comes to there. */
export function paletteOf(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  element.append(probe);
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  });
  probe.remove();
  return Object.fromEntries(entries) as Palette;
}

/** Draws the tasks and lines in sight, and no others. */
export function paint(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  { sight, palette }: { readonly sight: Sight; readonly palette: Palette },
): void {
  const { width, height } = context.canvas;
  const ratio = window.devicePixelRatio;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  const zoom = sight.scale * ratio;
  context.setTransform(zoom, 0, 0, zoom, -sight.x * zoom, -sight.y * zoom);
  const view = { left: sight.x, top: sight.y, right: sight.x + width / zoom, bottom: sight.y + height / zoom };
  if (sight.scale >= EDGE_SCALE_MIN) paintEdges(context, drawing.layout, { view, color: palette.line });
  paintBoxes(context, drawing, { view, palette, hasText: sight.scale >= TEXT_SCALE_MIN });
}

interface View {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function paintEdges(
  context: CanvasRenderingContext2D,
  { x, y, edges }: GraphLayout,
  { view, color }: { readonly view: View; readonly color: string },
): void {
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = 0; at < edges.length; at += 2) {
    const [from, to] = [edges[at] ?? 0, edges[at + 1] ?? 0];
    const [startX, startY] = [(x[from] ?? 0) + BOX.width, (y[from] ?? 0) + BOX.height / 2];
    const [endX, endY] = [x[to] ?? 0, (y[to] ?? 0) + BOX.height / 2];
    const isOut =
      endX < view.left ||
      startX > view.right ||
      Math.max(startY, endY) < view.top ||
      Math.min(startY, endY) > view.bottom;
    if (isOut) continue;
    const middle = (startX + endX) / 2;
    context.moveTo(startX, startY);
    context.bezierCurveTo(middle, startY, middle, endY, endX, endY);
  }
  context.stroke();
}

interface BoxStyle {
  readonly view: View;
  readonly palette: Palette;
  readonly hasText: boolean;
}

function paintBoxes(context: CanvasRenderingContext2D, { layout, tasks, chosen }: Drawing, style: BoxStyle): void {
  const { view, palette, hasText } = style;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  tasks.forEach((task, place) => {
    const [left, top] = [layout.x[place] ?? 0, layout.y[place] ?? 0];
    if (left > view.right || left + BOX.width < view.left || top > view.bottom || top + BOX.height < view.top) return;
    const color = palette[TASK_TONES[task.status]];
    context.fillStyle = hasText ? palette.surface : color;
    context.fillRect(left, top, BOX.width, BOX.height);
    context.strokeStyle = task.id === chosen ? palette.accent : palette.line;
    context.lineWidth = task.id === chosen ? 3 : 1;
    context.strokeRect(left, top, BOX.width, BOX.height);
    if (!hasText) return;
    context.fillStyle = color;
    context.fillRect(left, top, 5, BOX.height);
    context.fillStyle = palette.text;
    context.fillText(fitted(shownText(task.key)), left + 13, top + BOX.height / 2 - 6);
    context.fillStyle = palette.muted;
    context.fillText(fitted(shownText(stateText(task))), left + 13, top + BOX.height / 2 + 8);
  });
}

const CHARS_MAX = 24;

function fitted(text: string): string {
  const characters = Array.from(text);
  return characters.length > CHARS_MAX ? `${characters.slice(0, CHARS_MAX - 1).join("")}…` : text;
}

function stateText({ status, agent, percent }: GraphTask): string {
  const done = percent === undefined || status !== "running" ? "" : ` ${percent} %`;
  return `${status.replaceAll("_", " ")}${done}${agent === undefined ? "" : ` · ${agent}`}`;
}
