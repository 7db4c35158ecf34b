import { expect, test, vi } from "vitest";
import { isRunning } from "../support/command-desk.js";
import { collectGarbage } from "../support/garbage.js";
import { call, odd, openToolDesk, pidsOf } from "../support/tool-desk.js";
import { until } from "../support/until.js";

// Real servers start in each, on a machine that other tests keep busy.
vi.setConfig({ testTimeout: 60_000 });

const ONCE = { retry: { max_attempts: 1 } };

test("a call that fails to answer in time is ended in time, and its server with it when that hears nothing any more", async () => {
  const { server, log } = odd("hangs");
  const desk = await openToolDesk({ odd: server });
  const { run } = await desk.start([call("a: odd/do", {}, { ...ONCE, timeouts: { start_to_close: "1s" } })]);
  expect(await desk.ended(run)).toBe("failed");
  expect((await desk.task(run)).attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
  await until("its processes are gone", () => !pidsOf(log()).some(isRunning));
  expect(pidsOf(log())).toHaveLength(2);
});

test("a call that fails to answer in time is ended in time, whatever is collected as garbage meanwhile", async () => {
  const { server, log } = odd("waits");
  const desk = await openToolDesk({ odd: server });
  const { run } = await desk.start([call("a: odd/do", {}, { ...ONCE, timeouts: { start_to_close: "3s" } })]);
  await until("it is called", () => log().some((line) => line.startsWith("call")));
  await collectGarbage();
  expect(await desk.ended(run)).toBe("failed");
  expect((await desk.task(run)).attempts).toMatchObject([{ error: { type: "timeout:start_to_close" } }]);
});
