import path from "node:path";
import { expect, test } from "vitest";
import { readBeads } from "../../src/imports/beads.js";
import { oneFile, sample, SAMPLES, summary, taskOf } from "./samples.js";

test("a real export of beads is understood in full", async () => {
  await expect(summary(readBeads(sample("beads", ".jsonl")))).toMatchFileSnapshot(
    path.join(SAMPLES, "beads.summary.txt"),
  );
});

function lines(...issues: readonly object[]): string {
  return issues.map((issue) => JSON.stringify(issue)).join("\n");
}

test("only dependencies that block in beads become needs, and a child knows its parent", () => {
  const on = (kind: string, id: string) => ({ issue_id: "x-5", depends_on_id: id, type: kind });
  const plans = readBeads(
    oneFile(
      ".beads/issues.jsonl",
      lines(
        { id: "x-1", title: "Epic", status: "open", issue_type: "epic" },
        { id: "x-2", title: "Before", status: "in_progress", priority: 0 },
        {
          id: "x-5",
          title: "After",
          description: "Do it.",
          design: "Thus.",
          status: "blocked",
          priority: 2,
          labels: ["ui"],
          assignee: "mia",
          dependencies: [
            on("blocks", "x-2"),
            on("waits-for", "x-9"),
            on("parent-child", "x-1"),
            on("related", "x-3"),
            on("discovered-from", "x-4"),
            on("blocks", "x-5"),
          ],
        },
      ),
    ),
  );
  expect(taskOf(plans, "x-5")).toEqual({
    ref: "x-5",
    title: "After",
    text: "Do it.\n\n## Design\n\nThus.",
    state: "open",
    needs: ["x-2", "x-9"],
    parent: "x-1",
    priority: "normal",
    labels: ["ui"],
    assignee: "mia",
    place: ".beads/issues.jsonl:3",
  });
  expect(taskOf(plans, "x-2")).toMatchObject({ state: "started", priority: "critical" });
});

test("issues that are no work are left out with their reason, and those that wait for one are named", () => {
  const [plan] = readBeads(
    oneFile(
      "i.jsonl",
      [
        lines(
          { id: "w", title: "Trace", ephemeral: true, status: "closed" },
          { id: "m", title: "Mail", issue_type: "message" },
          { id: "t", status: "tombstone" },
          { id: "d", title: "Later", status: "deferred" },
          { id: "c", title: "Rescue", dependencies: [{ depends_on_id: "a", type: "conditional-blocks" }] },
          { id: "a", title: "First" },
          { id: "a", title: "Work", dependencies: [{ depends_on_id: "w" }, { depends_on_id: "d" }] },
          { title: "Nameless" },
        ),
        "<<<<<<< HEAD",
        '{"id": "half", "tit',
      ].join("\n"),
    ),
  );
  expect(plan?.tasks.map(({ ref, title, needs }) => [ref, title, needs])).toEqual([["a", "Work", []]]);
  expect(plan?.unmapped.map(({ place, what, why }) => `${place.slice(8)} ${what}: ${why}`)).toEqual([
    "9 <<<<<<< HEAD: is no JSON object, as each line must be",
    '10 {"id": "half", "tit: is no JSON object, as each line must be',
    "6 a First: stands again at i.jsonl:7, which counts",
    "8 Nameless: has no id",
    "1 w Trace: is ephemeral: a trace of an agent's work",
    '2 m Mail: is of kind "message", which is no work',
    "3 t: is deleted",
    "4 d Later: is deferred: set it to open there and import again",
    "5 c Rescue: runs only if a fails: add it by hand with trigger_rule one_failed",
    "7 a waits for d: d is deferred: set it to open there and import again",
  ]);
});

test("issues that share a reason are counted, and a list of bd is read as its export is", () => {
  const traces = Array.from({ length: 500 }, (_, at) => ({ id: `w-${at}`, title: "Trace", ephemeral: true }));
  const [plan] = readBeads(
    oneFile("list.json", JSON.stringify([{ id: "a", title: "Work", status: "open" }, ...traces])),
  );
  expect(plan?.tasks.map(({ ref }) => ref)).toEqual(["a"]);
  expect(plan?.unmapped.map(({ what }) => what)).toEqual(["500 issues such as w-0 Trace"]);
});
