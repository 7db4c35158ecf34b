import { expect, test } from "vitest";
import { isRunning } from "../../support/fixtures/command-fixture.js";
import { collectGarbage } from "../../support/garbage.js";
import { call, odd, openToolFixture, pidsOf } from "../../support/fixtures/tool-fixture.js";
import { until } from "../../support/until.js";

const ONCE = { retry: { max_attempts: 1 } };

/** A run of one call that is never answered, with so much time for it; undefined where that was over before the call was heard. */
async function called(way: "hangs" | "waits", seconds: number) {
  const { server, log } = odd(way);
  const fixture = await openToolFixture({ odd: server });
  const timeouts = { start_to_close: `${seconds}s` };
  const { run } = await fixture.start([call("a: odd/do", {}, { ...ONCE, timeouts })]);
  const isHeard = () => log().some((line) => line.startsWith(way === "hangs" ? "child" : "call"));
  await until("it is called or given up", async () => isHeard() || (await fixture.task(run)).attempts.length > 0);
  return isHeard() ? { fixture, run, log } : undefined;
}

/** How long a server takes to start is the machine's matter. */
async function calledInTime(way: "hangs" | "waits") {
  for (const seconds of [2, 5, 15, 30]) {
    const heard = await called(way, seconds);
    if (heard !== undefined) return heard;
  }
  throw new Error("no server starts within half a minute");
}

test("a call that fails to answer in time is ended in time, and its server with it when that hears nothing any more", async () => {
  const { fixture, run, log } = await calledInTime("hangs");
  expect(await fixture.ended(run)).toBe("failed");
  expect((await fixture.task(run)).attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
  await until("its processes are gone", () => !pidsOf(log()).some(isRunning));
  expect(pidsOf(log())).toHaveLength(2);
});

test("a call that fails to answer in time is ended in time, whatever is collected as garbage meanwhile", async () => {
  const { fixture, run } = await calledInTime("waits");
  await collectGarbage();
  expect(await fixture.ended(run)).toBe("failed");
  expect((await fixture.task(run)).attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
});
