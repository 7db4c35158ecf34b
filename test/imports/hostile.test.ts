import { expect, test } from "vitest";
import { readBacklogMd } from "../../src/imports/backlog-md.js";
import { readBeads } from "../../src/imports/beads.js";
import type { ForeignPlan, PlanReader, SourceFile } from "../../src/imports/foreign-plan.js";
import { readGithubIssues } from "../../src/imports/github-issues.js";
import { readRunExports } from "../../src/imports/run-export.js";
import { readSpecKit } from "../../src/imports/spec-kit.js";
import { seededRandom } from "../../src/runtime/random.js";
import { Draw } from "../support/draw.js";
import { sample } from "./samples.js";

const ROUNDS = process.env["BATON_LONG_TESTS"] === "1" ? 2_000 : 25;
const CHARS_MAX = 10_000_000;

const EXPORTED =
  '- [x] Build \\[it\\] <!-- baton {"key":"api","needs":["b"],"files":["docs/a.md"],"priority":"high"} -->\n  > Do it\n';

const READERS: readonly { name: string; read: PlanReader; files: SourceFile[] }[] = [
  { name: "spec-kit", read: readSpecKit, files: sample("spec-kit", ".md") },
  { name: "beads", read: readBeads, files: sample("beads", ".jsonl") },
  { name: "Backlog.md", read: readBacklogMd, files: [...sample("backlog-md", ".md"), ...sample("backlog-md", ".yml")] },
  {
    name: "a run's export",
    read: readRunExports,
    files: [
      { path: "plan.md", text: `# Plan\n\nRun run_0123456789abcdef: running\n\n${EXPORTED.repeat(50)}` },
      {
        path: "plan.json",
        text: JSON.stringify({ baton: "run", tasks: [{ key: "a", title: "A", prompt: "A\n\nDo it" }] }),
      },
    ],
  },
  { name: "GitHub", read: readGithubIssues, files: sample("github-issues", "gh-issue-list.json") },
];

const PIECES = [
  "\0",
  "\u202E",
  "\uD800",
  "\u2028",
  "\r",
  "\n---\n",
  "```\n",
  "<!--",
  "${{ inputs.x }}",
  '"__proto__": {"polluted": true},',
  "__proto__: {polluted: true}\n",
  "constructor",
  "- [ ] T001 [P] Again in ../../etc/passwd\n",
  "(depends on T001-T9999)",
  "blocked by #1, #1 and #2",
  '{"id": "bd-1", "dependencies": [{"depends_on_id": "bd-1"}]}\n',
  "id: &a [*a]\n",
  "{".repeat(5_000),
  "[".repeat(5_000),
  "(".repeat(5_000),
  "- ".repeat(2_000),
  " ".repeat(20_000),
  "#".repeat(20_000),
  "T1".repeat(10_000),
  "é".repeat(1_000),
];

/** A text with a few faults: cut off, parts twice, moved or lost, strange pieces in it. */
function mangled(text: string, draw: Draw): string {
  let now = text;
  for (let fault = draw.int(1, 6); fault > 0; fault -= 1) {
    const [at, length] = [draw.int(0, now.length), draw.int(0, 2_000)];
    const part = now.slice(at, at + length);
    const kind = draw.pick(["cut", "twice", "lost", "moved", "piece", "piece", "case"]);
    if (kind === "cut") now = now.slice(0, at);
    else if (kind === "twice") now = now.slice(0, at) + part + now.slice(at);
    else if (kind === "lost") now = now.slice(0, at) + now.slice(at + length);
    else if (kind === "moved") now = part + now.slice(0, at) + now.slice(at + length);
    else if (kind === "case") now = now.slice(0, at) + part.toUpperCase() + now.slice(at + length);
    else now = now.slice(0, at) + (draw.pick(PIECES) ?? "") + now.slice(at);
  }
  return now;
}

function charsOf(plans: readonly ForeignPlan[]): number {
  return plans
    .flatMap(({ tasks, unmapped }) => [...tasks.map(({ title }) => title), ...unmapped.map(({ what }) => what)])
    .reduce((sum, text) => sum + text.length, 0);
}

test.each(READERS)("$name: mangled files never throw, hang or make more of themselves", ({ read, files }) => {
  const draw = new Draw(seededRandom(Number(process.env["BATON_PROPERTY_SEED"] ?? 1)));
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = files.map((file) => (draw.chance(0.5) ? { ...file, text: mangled(file.text, draw) } : file));
    const started = performance.now();
    const plans = read(odd);
    slowest = Math.max(slowest, performance.now() - started);
    const tasks = plans.flatMap((plan) => plan.tasks);
    for (const plan of plans) expect(new Set(plan.tasks.map(({ ref }) => ref)).size).toBe(plan.tasks.length);
    expect(
      tasks.every(
        ({ title, files: own }) => title !== "" && title.length <= 200 && !own?.some((path) => path.includes("..")),
      ),
    ).toBe(true);
    expect(charsOf(plans)).toBeLessThan(2 * odd.reduce((sum, { text }) => sum + text.length, 0) + 10_000);
    expect({}).not.toHaveProperty("polluted");
  }
  expect(slowest).toBeLessThan(10_000);
});

const HUGE: readonly { what: string; piece: string; times?: number }[] = [
  { what: "one line of spaces", piece: " " },
  { what: "heading marks", piece: "# " },
  { what: "open brackets", piece: "[" },
  { what: "open braces", piece: '{"a":' },
  { what: "open parentheses after a task", piece: "- [ ] T001 x (" },
  { what: "one task again and again", piece: "- [ ] T001 [P] Same in src/a.ts\n" },
  { what: "list marks", piece: "- " },
  { what: "commas", piece: "T1," },
  { what: "comment marks", piece: "<!-- --> " },
  { what: "fences", piece: "```\n" },
  { what: "quotation marks", piece: '"' },
  { what: "rules", piece: "---\n" },
];

test.each(READERS)("$name: a long file of equal pieces is read in seconds", ({ read, files }) => {
  const chars = process.env["BATON_LONG_TESTS"] === "1" ? CHARS_MAX : 50_000;
  const slow: string[] = [];
  const [path = ""] = files.map((file) => file.path);
  for (const { what, piece } of HUGE) {
    const text = piece.repeat(Math.ceil(chars / piece.length));
    const started = performance.now();
    read([{ path, text }]);
    read([{ path, text: `---\nid: A-1\ntitle: ${text}\n---\n${text}` }]);
    read([{ path, text: JSON.stringify([{ number: 1, id: "x", title: text, body: `blocked by ${text}` }]) }]);
    const took = performance.now() - started;
    if (took > (chars === CHARS_MAX ? 30_000 : 5_000)) slow.push(`${what}: ${took} ms`);
  }
  expect(slow).toEqual([]);
});
