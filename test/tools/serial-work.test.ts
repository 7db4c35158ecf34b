import { describe, expect, test } from "vitest";
import { startApp } from "../support/servers/app.js";

const MINUTE = 60_000;
const step = (key: string, write: readonly string[], more: object = {}) => ({
  key,
  prompt: "p",
  estimate_ms: MINUTE,
  files: { write },
  ...more,
});
const many = (count: number, write: (at: number) => string[]) =>
  Array.from({ length: count }, (_, at) => step(`s${at}`, write(at)));

async function validated(steps: readonly object[], more: object = {}) {
  const { call } = await startApp();
  return call("validate_workflow", { definition: { name: "w", steps, ...more } });
}

describe("the serial part of a plan", () => {
  test("a file that many steps write is called a bottleneck, with how many agents get on and how to hold it shorter", async () => {
    const steps = many(8, (at) => (at < 4 ? [`src/${at}.ts`, "CHANGELOG.md"] : [`src/${at}.ts`]));
    const { bottlenecks, serial_fraction, warnings = [] } = await validated(steps);
    expect(bottlenecks).toEqual([{ path: "CHANGELOG.md", steps: 4, share: 0.5 }]);
    expect(serial_fraction).toBe(0.5);
    expect(warnings.join("\n")).toMatch(
      /CHANGELOG\.md is written by 4 steps with 50 % of the work, so that at most 2\.0 agents get on at a time: leave it out of files\.write .*acquire_file_lock/,
    );
  });

  test("a run that is started is told of its bottlenecks, and of nothing else that its files make serial", async () => {
    const { call } = await startApp();
    const started = (steps: readonly object[]) =>
      call("execute_workflow", { definition: { name: "w", steps: steps.map((one) => ({ ...one })) } });
    const { warnings } = await started(many(8, (at) => (at < 4 ? [`src/${at}.ts`, "CHANGELOG.md"] : ["src/x.ts"])));
    expect(warnings).toEqual([
      expect.stringContaining("CHANGELOG.md is written by 4 steps with 50 % of the work, so that at most 2.0"),
      expect.stringContaining("src/x.ts is written by 4 steps"),
    ]);
    // Two steps with one file are no bottleneck, though one waits for the other.
    expect((await started(many(2, () => ["CHANGELOG.md"]))).warnings).toBeUndefined();
  });

  test("a directory that keeps the steps that write it apart, and those below it waiting, is to be named by its files", async () => {
    const below = [step("one", ["src/a.ts"]), step("two", ["src/b.ts"])];
    const { bottlenecks, warnings = [] } = await validated([...many(3, () => ["src/"]), ...below]);
    expect(bottlenecks).toEqual([{ path: "src/", steps: 3, share: 0.8 }]);
    expect(warnings.some((text) => text.includes("name the files that each step edits"))).toBe(true);
  });

  test("a directory that one step writes keeps no steps below it apart", async () => {
    const steps = [...many(50, (at) => [`src/${at}.ts`]), step("all", ["src/"])];
    expect(await validated(steps)).toMatchObject({ bottlenecks: [], serial_fraction: 0.039 });
  });

  test("files that bound a plan no more than its dependencies or max_parallel do are no bottlenecks", async () => {
    const shared = many(4, (at) => [`src/${at}.ts`, "CHANGELOG.md"]);
    expect(await validated(shared, { max_parallel: 1 })).toMatchObject({ bottlenecks: [], serial_fraction: 1 });
    const chain = shared.map((one, at) => (at === 0 ? one : { ...one, needs: [`s${at - 1}`] }));
    expect(await validated(chain)).toMatchObject({ bottlenecks: [] });
  });

  test("a chain of steps for one kind of agent is said to gain nothing, one for several roles is not", async () => {
    const chain = (roles: readonly string[]) =>
      many(4, () => []).map((one, at) => ({
        ...one,
        role: roles[at % roles.length],
        ...(at === 0 ? {} : { needs: [`s${at - 1}`] }),
      }));
    const gainsNothing = async (roles: readonly string[]) =>
      ((await validated(chain(roles))).warnings ?? []).some((text) => text.includes("one after another, so one agent"));
    expect(await gainsNothing(["writer"])).toBe(true);
    expect(await gainsNothing(["writer", "reviewer"])).toBe(false);
  });
});
