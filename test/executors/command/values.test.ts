import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { type CommandResult, type CommandFixture, openCommandFixture } from "../../support/fixtures/command-fixture.js";

const HOSTILE = [
  `"; touch pwned; echo "`,
  "$(touch pwned) `touch pwned` ${IFS}",
  "'; touch pwned #",
  "\n touch pwned \n",
  "* ~ \\ !! & | > pwned",
  "${{ steps.a.output }}",
];

const outputOf = async (fixture: CommandFixture, run: string, key: string) =>
  ((await fixture.task(run, key)).result as CommandResult).output_tail;

test.each(HOSTILE)("a value in a command line is text to the shell, whatever it holds: %j", async (text) => {
  const fixture = await openCommandFixture();
  const { run } = await fixture.start(
    [
      { key: "bare", run: "printf '<%s>' ${{ inputs.text }}" },
      { key: "quoted", run: 'printf "<%s>" "a ${{ inputs.text }} b"' },
      { key: "variable", run: 'printf "<%s>" "$TEXT"', env: { TEXT: "${{ inputs.text }}" } },
    ],
    { inputs: { text: { type: "string" } }, given: { text } },
  );
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(await outputOf(fixture, run, "bare")).toBe(`<${text}>`);
  expect(await outputOf(fixture, run, "quoted")).toBe(`<a ${text} b>`);
  expect(await outputOf(fixture, run, "variable")).toBe(`<${text}>`);
  expect(readdirSync(fixture.app.cwd)).not.toContain("pwned");
});

test("a command's output reaches the next step as a value, for each element of a list", async () => {
  const fixture = await openCommandFixture();
  const { run } = await fixture.start([
    { key: "list", run: `echo '["a b", "c; touch pwned"]'`, output: { type: "array" } },
    { key: "each", needs: ["list"], for_each: "steps.list.output", run: "echo ${{ index }} ${{ item }}" },
    {
      key: "join",
      needs: ["each"],
      run: "echo ${{ steps.each.output.map(one, one.exit_code) }}",
      if: "steps.each.output.all(one, one.exit_code == 0)",
    },
  ]);
  expect(await fixture.ended(run)).toBe("succeeded");
  expect(await outputOf(fixture, run, "each[0]")).toBe("0 a b\n");
  expect(await outputOf(fixture, run, "each[1]")).toBe("1 c; touch pwned\n");
  expect(await outputOf(fixture, run, "join")).toBe("[0,0]\n");
  expect(readdirSync(fixture.app.cwd)).not.toContain("pwned");
});

test("a pattern allows the line as it is written: a value widens none, and no wildcard stands for one", async () => {
  const fixture = await openCommandFixture({ allow: ['echo "${BATON_VALUE_1}"', "printf *"] });
  const { run, warnings } = await fixture.start(
    [
      { key: "exact", run: "echo ${{ inputs.text }}" },
      { key: "wild", run: "printf %s ${{ inputs.text }}" },
    ],
    { inputs: { text: { type: "string" } }, given: { text: "x" } },
  );
  await expect.poll(async () => (await fixture.task(run, "exact")).task.status).toBe("succeeded");
  expect((await fixture.task(run, "wild")).task.status).toBe("ready");
  expect(warnings).toEqual([expect.stringContaining("A command step waits")]);
});
