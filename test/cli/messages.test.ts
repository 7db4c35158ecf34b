import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { brokenRules } from "../support/sentences.js";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton } from "../support/servers/in-process.js";

const FILES = { "bad.json": "{", "bad.yaml": "a: [", "empty.yaml": "", "steps.yaml": "name: x\nsteps: 1\n" };

/** Command lines that are refused: unknown words and flags, missing arguments, wrong values, unknown and malformed files. */
const REFUSED: string[][] = [
  ["statu"],
  ["workflow", "lst"],
  ["--bogus"],
  ["--log-level", "loud", "status"],
  ["run"],
  ["run", "nowhere.yaml"],
  ["run", "."],
  ...Object.keys(FILES).map((file) => ["run", file]),
  ...["--max-parallel", "--budget", "--priority", "--timeout"].map((flag) => ["run", "steps.yaml", flag, "zz"]),
  ["run", "steps.yaml", "--input", "zz"],
  ["run", "run_0000000000000000"],
  ["workflow", "run"],
  ["workflow", "run", "zz"],
  ["workflow", "create", "bad.yaml"],
  ["import", "bad.json"],
  ["dead-letters", "list", "--status", "zz"],
  ["dead-letters", "show"],
  ["dead-letters", "show", "zz"],
  ["dead-letters", "resolve", "zz"],
  ["project", "create"],
  ["project", "create", "x", "--template", "zz"],
  ["project", "create", "x", "--input", "a=b"],
  ["project", "templates", "--kind", "zz"],
  ["call", "get_rum"],
  ["call", "get_run"],
  ["call", "get_run", "zz"],
  ["call", "get_run", "--rn", "zz"],
  ["call", "get_run", "--run"],
  ["call", "get_run", "--run", "a", "--run", "b"],
  ["call", "list_runs", "--limit", "zz"],
  ["call", "list_runs", "--status", "zz"],
  ["call", "fail_task", "--error", "{zz"],
  ["call", "get_run", "--json-input", "[]"],
  ["reset"],
];

test.each(REFUSED.map((args) => ({ args })))(
  "the refusal of $args follows the rules for sentences",
  async ({ args }) => {
    const fixture = startCommandLineFixture();
    for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(fixture.cwd, name), text);
    const { code, stdout, stderr } = await baton(fixture, args);
    expect([1, 2]).toContain(code);
    expect(stdout).toBe("");
    const [first = ""] = stderr.replace(/^baton: /, "").split("\n");
    // A sentence that opens a list of problems ends with a colon.
    expect(first.endsWith(":") ? [] : brokenRules(first)).toEqual([]);
  },
);

test("a file that is not UTF-8 is refused with the line, and stored nowhere", async () => {
  const fixture = startCommandLineFixture();
  writeFileSync(path.join(fixture.cwd, "latin1.yaml"), Buffer.from("name: w\n# caf\u00e9\nsteps: []\n", "latin1"));
  writeFileSync(path.join(fixture.cwd, "wide.yaml"), Buffer.from("\ufeffname: w\n", "utf16le"));
  for (const command of [["run"], ["workflow", "create"], ["workflow", "validate"], ["import"]]) {
    const latin = await baton(fixture, [...command, "latin1.yaml"]);
    expect(latin).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("latin1.yaml, line 2: byte 0xe9") as string,
    });
    // A plan may be UTF-16, as Windows writes what gh prints.
    const said = command[0] === "import" ? "No plan was found in wide.yaml" : "wide.yaml is UTF-16: save it as UTF-8";
    const wide = await baton(fixture, [...command, "wide.yaml"]);
    expect(wide).toMatchObject({ code: 2, stderr: expect.stringContaining(said) as string });
  }
});
