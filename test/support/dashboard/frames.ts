import type { Page } from "playwright-core";

/** Times between the frames of a page, in milliseconds. */
export interface FrameTimes {
  readonly mean: number;
  readonly slowest: number;
}

const FRAMES = 90;

/** Lets the page note when what the selector names has been painted, from its next load on. Asked by `paintedMs`. */
export async function watchPaint(page: Page, selector: string): Promise<void> {
  await page.addInitScript(`
    window.painted = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        if (document.querySelector(${JSON.stringify(selector)}) === null) return;
        observer.disconnect();
        // A frame is on the screen when the next one begins.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
      }).observe(document, { childList: true, subtree: true, attributes: true });
    })`);
}

/** From the beginning of the load to the paint that is watched for. */
export async function paintedMs(page: Page): Promise<number> {
  return (await page.evaluate("window.painted")) as number;
}

/** How long frames take while something moves in each: `move` is a statement of the page, and sees `element`, which the selector names. */
export async function frameTimes(page: Page, selector: string, move: string): Promise<FrameTimes> {
  return (await page.evaluate(`(async () => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    let before = await frame();
    const first = before;
    let slowest = 0;
    for (let at = 0; at < ${FRAMES}; at++) {
      ${move};
      const now = await frame();
      slowest = Math.max(slowest, now - before);
      before = now;
    }
    return { mean: (before - first) / ${FRAMES}, slowest };
  })()`)) as FrameTimes;
}

/** Pixels that a page moves in a frame: at 60 frames a second 7,200, which is as fast as a finger flings it. */
const FLING_PX = 120;

/** Moves the page down and up again, as a finger that flings it. */
export function scrolling(page: Page): Promise<FrameTimes> {
  return frameTimes(page, "html", `window.scrollBy(0, at < 60 ? ${FLING_PX} : -${FLING_PX})`);
}

/** `12.3 ms a frame, 20 at most`. */
export function frameWords({ mean, slowest }: FrameTimes): string {
  return `${mean.toFixed(1)} ms a frame, ${Math.round(slowest)} at most`;
}
