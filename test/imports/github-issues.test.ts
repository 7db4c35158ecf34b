import path from "node:path";
import { expect, test } from "vitest";
import { readGithubIssues } from "../../src/imports/github-issues.js";
import { oneFile, sample, SAMPLES, summary, taskOf } from "./samples.js";

test("real issues are understood in full, as gh and as the REST interface give them", async () => {
  const plans = [
    ...readGithubIssues(sample("github-issues", "gh-issue-list.json")),
    ...readGithubIssues(sample("github-issues", "rest-issues-utf16le.json", "utf16le")),
  ];
  await expect(summary(plans)).toMatchFileSnapshot(path.join(SAMPLES, "github-issues.summary.txt"));
});

function issue(number: number, more: object = {}): object {
  return { number, title: `Issue ${number}`, url: `https://github.com/o/r/issues/${number}`, state: "OPEN", ...more };
}

const ISSUES = [
  issue(1, {
    body: "Blocked by #2 and #3. See #9.\n\n```\nblocked by #8\n```\n",
    blockedBy: {
      nodes: [
        { number: 4, state: "OPEN" },
        { number: 70, state: "CLOSED" },
      ],
      totalCount: 2,
    },
    labels: [{ name: "priority: high" }, { name: "ui" }],
    assignees: [{ login: "mia" }],
    milestone: { title: "v1" },
  }),
  issue(2, {
    state: "CLOSED",
    stateReason: "COMPLETED",
    body: "**Depends on:** o/r#3, https://github.com/o/r/issues/4",
  }),
  issue(3, { state: "CLOSED", stateReason: "NOT_PLANNED", parent: { number: 5 } }),
  issue(4, { body: "### Blocked by\n\n- #3\n- [ ] #2\n\nThen:\n- #1", blocking: [{ number: 5 }] }),
  issue(5, { body: "- [ ] #4\n- [x] #2 done\n- [ ] write docs\n- #1", subIssues: { nodes: [{ number: 6 }] } }),
  issue(6, { body: "depends on other/repo#7", issue_dependencies_summary: { blocked_by: 2 } }),
  issue(7, { url: "https://github.com/o/r/pull/7" }),
  issue(8, { pull_request: { url: "…" } }),
  issue(6, { title: "Again" }),
  { title: "Nameless" },
];

test("blockers of an issue are read from its fields and its words, and parents from both", () => {
  const plans = readGithubIssues(oneFile("issues.json", JSON.stringify(ISSUES)));
  const relations = plans.flatMap(({ tasks }) =>
    tasks.map(({ ref, state, needs, parent }) => [ref, state, needs, parent]),
  );
  expect(relations).toEqual([
    ["#1", "open", ["#4", "#2", "#3"], undefined],
    ["#2", "done", ["#3", "#4"], "#5"],
    ["#3", "dropped", [], "#5"],
    ["#4", "open", ["#3", "#2"], "#5"],
    ["#5", "open", ["#4"], undefined],
    ["#6", "open", [], "#5"],
  ]);
  expect(taskOf(plans, "#1")).toMatchObject({
    priority: "high",
    labels: ["priority: high", "ui", "milestone: v1"],
    assignee: "mia",
    text: expect.stringMatching(/^Blocked by #2[^]*https:\/\/github.com\/o\/r\/issues\/1$/) as string,
  });
  expect(plans[0]).toMatchObject({ source: "github/o/r", title: "o/r" });
  expect(plans[0]?.unmapped.map(({ what, why }) => `${what}: ${why}`)).toEqual([
    "#7 Issue 7: is a pull request",
    "#8 Issue 8: is a pull request",
    "#? Nameless: has no number of an issue",
    "#6 Again: stands twice: the first counts",
    "2 issues that block #6: REST says how many, not which: use gh issue list --json number,title,body,state,labels,url,blockedBy",
    "#6 refers to other/repo#7: is an issue of another repository",
  ]);
});

const TWO = [issue(1), issue(2)];
test.each([
  ["pages in a row", `${JSON.stringify([TWO[0]])}${JSON.stringify([TWO[1]])}`],
  ["pages in a list", JSON.stringify([[TWO[0]], [TWO[1]]])],
  ["lines", TWO.map((one) => JSON.stringify(one)).join("\n")],
  ["a search", JSON.stringify({ total_count: 2, items: TWO })],
  ["GraphQL", JSON.stringify({ data: { repository: { issues: { nodes: TWO } } } })],
  ["a file that breaks off", JSON.stringify([...TWO, issue(3)]).slice(0, -20)],
])("issues are read from %s", (_, text) => {
  expect(readGithubIssues(oneFile("i.json", text))[0]?.tasks.map(({ ref }) => ref)).toEqual(["#1", "#2"]);
});

test("a file that breaks off says where, and two repositories are two plans", () => {
  const broken = JSON.stringify([...TWO, issue(3)], undefined, 1).slice(0, -20);
  expect(readGithubIssues(oneFile("i.json", broken))[0]?.unmapped).toMatchObject([
    { place: "i.json:14", why: "is not closed: the file breaks off" },
  ]);
  const other = { ...issue(1), url: "https://github.com/o/other/issues/1" };
  const plans = readGithubIssues(oneFile("i.json", JSON.stringify([...TWO, other])));
  expect(plans.map(({ source, tasks }) => [source, tasks.length])).toEqual([
    ["github/o/r", 2],
    ["github/o/other", 1],
  ]);
});

test.each([
  ["P0", "critical"],
  ["priority/critical", "critical"],
  ["p1", "high"],
  ["Priority: Medium", "normal"],
  ["prio-low", "low"],
  ["1", undefined],
  ["highlight", undefined],
])("the label %s means %s", (label, priority) => {
  const [plan] = readGithubIssues(oneFile("i.json", JSON.stringify([issue(1, { labels: [{ name: label }] })])));
  expect(plan?.tasks[0]?.priority).toBe(priority);
});
