import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect, test } from "vitest";
import { TextThread } from "../../src/compaction/text-thread.js";
import { atEnd } from "../support/lifetime.js";

const SOURCE = "/** Adds. */\nexport function add(a: number): number {\n  return a + 1;\n}\n".repeat(6_000);

test("a thread works on a megabyte while its process goes on, and fails what it was doing when it ends", async () => {
  const thread = new TextThread();
  atEnd(() => thread.close());
  await thread.count(["warm"]);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const work = thread.extract([{ content: SOURCE, kind: "code", name: "a.ts", max: 20_000 }]);
  const [extract] = await work;
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
