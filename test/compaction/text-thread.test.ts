import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect, test } from "vitest";
import { TextThread } from "../../src/compaction/text-thread.js";
import { atEnd } from "../support/lifetime.js";
import { startApp } from "../support/servers/app.js";

const SOURCE = "/** Adds. */\nexport function add(a: number): number {\n  return a + 1;\n}\n".repeat(6_000);
const TO_OUTLINE = { content: SOURCE, kind: "code", name: "a.ts", max: 20_000 } as const;

/** Timers that run when the test says that so much time has passed. */
class Timers {
  readonly #open = new Map<() => void, number>();

  readonly start = (ms: number, run: () => void) => {
    this.#open.set(run, ms);
    return { cancel: () => void this.#open.delete(run) };
  };

  pass(ms: number): void {
    for (const [run, left] of new Map(this.#open))
      if (left > ms) this.#open.set(run, left - ms);
      else if (this.#open.delete(run)) run();
  }
}

test("a thread works on a megabyte while its process goes on, and fails what it was doing when it ends", async () => {
  const thread = new TextThread();
  atEnd(() => thread.close());
  await thread.count(["warm"]);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const [extract] = await thread.extract([TO_OUTLINE]);
  delays.disable();
  expect(extract?.tokens).toBeLessThanOrEqual(20_000);
  expect(extract?.text).toContain("export function add(a: number): number …");
  // Half a second of work or more, of which this thread does the copy of the text.
  expect(delays.percentile(99) / 1e6).toBeLessThan(50);

  const lost = thread.count([SOURCE]).catch((error: unknown) => error);
  await thread.close();
  expect(await lost).toMatchObject({ code: "unavailable" });
  // The next work has a thread of its own.
  expect(await thread.count(["Hello, World!"])).toEqual([4]);
});

test("the time of a piece of work is counted from its beginning: what waited behind another has all of it", async () => {
  const timers = new Timers();
  const thread = new TextThread(timers.start);
  atEnd(() => thread.close());
  const [first, second] = [thread.extract([TO_OUTLINE]), thread.count([SOURCE])];
  timers.pass(59_000);
  await first;
  timers.pass(59_000);
  expect(await second).toHaveLength(1);
});

test("work that takes too long fails alone: what waited behind it is done by a new thread", async () => {
  const timers = new Timers();
  const thread = new TextThread(timers.start);
  atEnd(() => thread.close());
  const endless = thread.extract([TO_OUTLINE]).catch((error: unknown) => error);
  const behind = thread.count(["Hello, World!"]);
  timers.pass(60_000);
  expect(await endless).toMatchObject({ code: "unavailable", details: { reason: "it took longer than 60 s" } });
  expect(await behind).toEqual([4]);
});

test("the thread ends with the server: the call that waits for it fails, and the next one is refused", async () => {
  const { call, close } = await startApp();
  await call("estimate_tokens", { content: "warm" });
  const asked = call("chunk_content", { content: SOURCE, language: "typescript" }).catch((error: unknown) => error);
  await close();
  expect(await asked).toMatchObject({ code: "unavailable" });
  await expect(call("estimate_tokens", { content: "late" })).rejects.toMatchObject({ code: "unavailable" });
});
