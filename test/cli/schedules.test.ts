import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

const WORKFLOW = `name: nightly
inputs: { depth: { type: number } }
steps: [{ key: a, prompt: "Look \${{ inputs.depth }} deep." }]
`;

test("a schedule is made, listed, paused, resumed, run and deleted by what a person types", async () => {
  const fixture = startCommandLineFixture();
  const typed = async (...words: string[]) => (await baton(fixture, ["schedule", ...words])).stdout;
  writeFileSync(path.join(fixture.cwd, "nightly.yaml"), WORKFLOW);
  await baton(fixture, ["workflow", "create", "nightly.yaml"]);
  expect(await typed()).toMatch(/^Nothing is scheduled here\./);
  const add = ["add", "nightly", "0 3 * * MON-FRI", "--timezone", "Europe/Berlin", "-i", "depth=2"];
  expect(await typed(...add)).toMatch(
    /^scheduled: nightly starts nightly at 0 3 \* \* MON-FRI \(Europe\/Berlin\)\n {2}next 20/,
  );
  expect(await typed(...add)).toMatch(/^changed: /);
  expect(await typed("list")).toMatch(/nightly +nightly +0 3 \* \* MON-FRI +Europe\/Berlin +20\S+ +-/);
  expect(await typed("pause", "nightly")).toMatch(/\n {2}paused\n$/);
  const [run] = /run_\w+/.exec(await typed("run", "nightly")) ?? [];
  expect(await typed("list")).toMatch(new RegExp(` +paused +${run}`));
  expect(await typed("resume", "nightly")).toContain("next 20");
  expect(await typed("delete", "nightly")).toBe("nightly is deleted; its runs go on.\n");
  const refused = await baton(fixture, ["schedule", "add", "nightly", "61 * * * *", "-i", "depth=2"]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("minute hour day month weekday")]);
});
