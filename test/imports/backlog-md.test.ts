import path from "node:path";
import { expect, test } from "vitest";
import { readBacklogMd } from "../../src/imports/backlog-md.js";
import type { SourceFile } from "../../src/imports/foreign-plan.js";
import { sample, SAMPLES, summary, taskOf } from "./samples.js";

test("a real folder of Backlog.md is understood in full", async () => {
  const files = [...sample("backlog-md", ".md"), ...sample("backlog-md", ".yml")];
  await expect(summary(readBacklogMd(files))).toMatchFileSnapshot(path.join(SAMPLES, "backlog-md.summary.txt"));
});

function task(folder: string, head: string, body = ""): SourceFile {
  const id = /id: *(\S+)/.exec(head)?.[1] ?? "none";
  return { path: `backlog/${folder}/${id} - T.md`, text: `---\n${head}\n---\n${body}` };
}

test("dependencies and parents are found by number, however their prefix is written", () => {
  const plans = readBacklogMd([
    task(
      "tasks",
      "id: BACK-3.01\ntitle: A\nstatus: To Do\ndependencies: [task-1, back-3.2, TASK-9]\nparent_task_id: task-3",
    ),
    task("tasks", "id: BACK-3.02\ntitle: B\nstatus: To Do\ndependencies: task-1"),
    task("tasks", "id: BACK-3\ntitle: P\nstatus: To Do\nordinal: 1000"),
    task("completed", "id: BACK-1\ntitle: C\nstatus: To Do"),
  ]);
  expect(taskOf(plans, "BACK-3.01")).toMatchObject({ needs: ["BACK-1", "BACK-3.02", "TASK-9"], parent: "BACK-3" });
  expect(taskOf(plans, "BACK-3.02").needs).toEqual(["BACK-1"]);
  expect(taskOf(plans, "BACK-1").state).toBe("done");
  expect(plans[0]?.tasks.map(({ ref }) => ref)).toEqual(["BACK-3", "BACK-1", "BACK-3.01", "BACK-3.02"]);
});

test.each([
  ["Open", "open"],
  ["Cooking", "started"],
  ["◒ In Progress", "started"],
  ["Served", "done"],
  ["Done", "done"],
  ["Cancelled", "dropped"],
])("the status %s is %s where the configuration has its own words", (status, state) => {
  const config = { path: "backlog/config.yml", text: 'statuses: ["Open", "Cooking", "Served"]\n' };
  const plans = readBacklogMd([config, task("tasks", `id: T-1\ntitle: A\nstatus: ${status}`)]);
  expect(taskOf(plans, "T-1").state).toBe(state);
});

test("drafts, archived tasks, broken files and unknown states are listed", () => {
  const [plan] = readBacklogMd([
    { path: "backlog/config.yml", text: "statuses: [" },
    task("drafts", "id: D-1\ntitle: Draft"),
    task("archive/tasks", "id: T-7\ntitle: Old"),
    task("tasks", "id: [broken"),
    task("tasks", "title: Nameless"),
    task("tasks", "id: T-1\ntitle: A\nstatus: Strange\n__proto__: {polluted: yes}"),
    { ...task("tasks", "id: t-1\ntitle: Again"), path: "backlog/tasks/again.md" },
    { path: "backlog/tasks/bomb.md", text: `---\nid: &a [1, 2]\nb: [*a, *a]\n---\n` },
    { path: "backlog/docs/guide.md", text: "# no task" },
  ]);
  expect(plan?.tasks.map(({ ref, state }) => [ref, state])).toEqual([["T-1", "open"]]);
  expect(plan?.unmapped.map(({ place, what, why }) => `${place.slice(8)} ${what}: ${why}`)).toEqual([
    "config.yml the configuration: is no YAML: the usual words of states count",
    "drafts/D-1 - T.md D-1 Draft: is a draft: promote it there and import again",
    "archive/tasks/T-7 - T.md T-7 Old: is archived",
    "tasks/[broken - T.md the file: has no front matter that is YAML between two lines of ---",
    "tasks/none - T.md Nameless: has no id",
    "tasks/again.md t-1 Again: has the id of backlog/tasks/T-1 - T.md, which counts",
    "tasks/bomb.md the file: has no front matter that is YAML between two lines of ---",
    'tasks/T-1 - T.md status "Strange" of T-1: is not in config.yml: counts as open',
  ]);
  expect({}).not.toHaveProperty("polluted");
});
