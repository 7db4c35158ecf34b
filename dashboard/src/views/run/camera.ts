import { BOX } from "./layout.js";
import { type Drawing, paint, type Palette, paletteOf, type Sight } from "./painter.js";

const SCALE_MAX = 1.5;
const SCALE_MIN = 0.01;
const READABLE_SCALE = 0.6;
const ZOOM_STEP = 1.25;
const PAN_PX = 80;
const MARGIN = 16;
/** A pointer that moved no further has clicked. */
const CLICK_PX = 4;

interface Point {
  readonly x: number;
  readonly y: number;
}

const ARROWS: Readonly<Record<string, readonly [number, number] | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Moves over the drawing of a canvas by pointer, wheel and keys, without a render of React: each change asks for one frame. */
export class Camera {
  readonly #canvas: HTMLCanvasElement;
  readonly #choose: (task: string | undefined) => void;
  readonly #end = new AbortController();
  #drawing: Drawing | undefined;
  #sight: Sight | undefined;
  /** Colours of the theme, kept until it changes: asking for them computes the styles of the page anew. */
  #palette: Palette | undefined;
  #frame = 0;
  #grabbed: Point | undefined;
  #moved = 0;

  constructor(canvas: HTMLCanvasElement, choose: (task: string | undefined) => void) {
    this.#canvas = canvas;
    this.#choose = choose;
    const { signal } = this.#end;
    canvas.addEventListener("pointerdown", (event) => this.#grab(event), { signal });
    canvas.addEventListener("pointermove", (event) => this.#drag(event), { signal });
    canvas.addEventListener("pointerup", (event) => this.#release(event), { signal });
    canvas.addEventListener("keydown", (event) => this.#press(event), { signal });
    canvas.addEventListener("wheel", (event) => this.#turn(event), { signal, passive: false });
    const sizes = new ResizeObserver(() => this.#redraw());
    sizes.observe(canvas);
    const recolour = () => {
      this.#palette = undefined;
      this.#redraw();
    };
    const themes = new MutationObserver(recolour);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour, { signal });
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      themes.disconnect();
      cancelAnimationFrame(this.#frame);
    });
  }

  show(drawing: Drawing): void {
    this.#drawing = drawing;
    this.#redraw();
  }

  /** Brings a task into sight, large enough to be read. */
  reveal(place: number): void {
    const [sight, drawing] = [this.#sight, this.#drawing];
    if (sight === undefined || drawing === undefined) return;
    const scale = Math.max(sight.scale, READABLE_SCALE);
    const [width, height] = [this.#canvas.clientWidth / scale, this.#canvas.clientHeight / scale];
    const [x, y] = [drawing.layout.x[place] ?? 0, drawing.layout.y[place] ?? 0];
    const isIn = x >= sight.x && x + BOX.width <= sight.x + width && y >= sight.y && y + BOX.height <= sight.y + height;
    if (isIn && scale === sight.scale) return;
    this.#move({ x: x + (BOX.width - width) / 2, y: y + (BOX.height - height) / 2, scale });
  }

  close(): void {
    this.#end.abort();
  }

  #redraw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      const context = this.#canvas.getContext("2d");
      const drawing = this.#drawing;
      if (context === null || drawing === undefined) return;
      fitTo(this.#canvas);
      this.#sight ??= whole(this.#canvas, drawing);
      this.#palette ??= paletteOf(this.#canvas.parentElement ?? this.#canvas);
      paint(context, drawing, { sight: this.#sight, palette: this.#palette });
    });
  }

  #move(sight: Sight): void {
    this.#sight = sight;
    this.#redraw();
  }

  #panBy(x: number, y: number): void {
    const sight = this.#sight;
    if (sight !== undefined) this.#move({ ...sight, x: sight.x + x / sight.scale, y: sight.y + y / sight.scale });
  }

  #zoomBy(factor: number, at: Point): void {
    const sight = this.#sight;
    if (sight === undefined) return;
    const scale = Math.min(SCALE_MAX, Math.max(SCALE_MIN, sight.scale * factor));
    const shift = 1 / sight.scale - 1 / scale;
    this.#move({ x: sight.x + at.x * shift, y: sight.y + at.y * shift, scale });
  }

  #grab(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#grabbed = { x: event.clientX, y: event.clientY };
    this.#moved = 0;
  }

  #drag(event: PointerEvent): void {
    if (this.#grabbed === undefined) return;
    const [x, y] = [this.#grabbed.x - event.clientX, this.#grabbed.y - event.clientY];
    this.#grabbed = { x: event.clientX, y: event.clientY };
    this.#moved += Math.abs(x) + Math.abs(y);
    this.#panBy(x, y);
  }

  #release(event: PointerEvent): void {
    this.#grabbed = undefined;
    if (this.#moved <= CLICK_PX) this.#choose(this.#taskAt(event));
  }

  #taskAt(event: PointerEvent): string | undefined {
    const [sight, drawing] = [this.#sight, this.#drawing];
    if (sight === undefined || drawing === undefined) return undefined;
    const [x, y] = [sight.x + event.offsetX / sight.scale, sight.y + event.offsetY / sight.scale];
    const { layout } = drawing;
    return drawing.tasks.find((_, at) => {
      const [left, top] = [layout.x[at] ?? 0, layout.y[at] ?? 0];
      return x >= left && x <= left + BOX.width && y >= top && y <= top + BOX.height;
    })?.id;
  }

  #turn(event: WheelEvent): void {
    event.preventDefault();
    this.#zoomBy(Math.exp(-event.deltaY / 500), { x: event.offsetX, y: event.offsetY });
  }

  #press(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    const middle = { x: this.#canvas.clientWidth / 2, y: this.#canvas.clientHeight / 2 };
    if (arrow !== undefined) this.#panBy(arrow[0] * PAN_PX, arrow[1] * PAN_PX);
    else if (event.key === "+") this.#zoomBy(ZOOM_STEP, middle);
    else if (event.key === "-") this.#zoomBy(1 / ZOOM_STEP, middle);
    else if (event.key === "0" && this.#drawing !== undefined) this.#move(whole(this.#canvas, this.#drawing));
    else return;
    event.preventDefault();
  }
}

function fitTo(canvas: HTMLCanvasElement): void {
  const ratio = window.devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** The sight of the whole drawing, no larger than life. */
function whole({ clientWidth, clientHeight }: HTMLCanvasElement, { layout }: Drawing): Sight {
  const across = (clientWidth - 2 * MARGIN) / Math.max(1, layout.width);
  const down = (clientHeight - 2 * MARGIN) / Math.max(1, layout.height);
  const scale = Math.max(SCALE_MIN, Math.min(1, across, down));
  return { x: (layout.width - clientWidth / scale) / 2, y: (layout.height - clientHeight / scale) / 2, scale };
}
