import path from "node:path";
import { expect, test } from "vitest";
import { readSpecKit } from "../../src/imports/spec-kit.js";
import { pathsWritten } from "../../src/imports/written-paths.js";
import { oneFile, sample, SAMPLES, summary, taskOf } from "./samples.js";

test("real plans of spec-kit are understood in full, and its template is refused", async () => {
  await expect(summary(readSpecKit(sample("spec-kit", ".md")))).toMatchFileSnapshot(
    path.join(SAMPLES, "spec-kit.summary.txt"),
  );
});

const PLAN = `# Tasks: Login
## Phase 1: Setup
- [x] T001 Create the project
## Phase 2: Foundational
- [ ] T002 Schema
- [ ] T003 [P] Session in src/session.ts
- [ ] T004 [P] Mail in src/mail.ts
- [ ] T005 Errors
## Phase 3: User Story 1 - Sign in (Priority: P1)
**Goal**: A user signs in
### Tests
- [ ] T006 [P] [US1] Contract test in tests/a.test.ts
- [ ] T007 [P] [US1] Journey test in tests/b.test.ts
### Implementation
- [ ] T008 [P] [US1] Page in src/page.ts
- [ ] T009 [P] [US1] Form in src/form.ts
  with every field
## Phase 4: User Story 2 - Sign out (Priority: P2)
- [ ] T010 [US2] Button in src/button.ts (depends on T008, T004-T005)
## Phase 5: User Story 3 - Forget (Priority: P3)
- [ ] T011 [US3] Link
## Phase 6: Polish
- [ ] T012 [P] Docs
- [ ] T013 [P] Speed
`;

test("tasks follow their phases, neighbours marked [P] run side by side, and stories do not wait for one another", () => {
  const plans = readSpecKit(oneFile("specs/001-login/tasks.md", PLAN));
  const needs = Object.fromEntries(plans.flatMap(({ tasks }) => tasks.map((task) => [task.ref, task.needs.join(" ")])));
  expect(needs).toEqual({
    T001: "",
    T002: "T001",
    T003: "T002",
    T004: "T002",
    T005: "T003 T004",
    T006: "T005",
    T007: "T005",
    T008: "T006 T007",
    T009: "T006 T007",
    T010: "T005 T008 T004",
    T011: "T005",
    T012: "T008 T009 T010 T011",
    T013: "T008 T009 T010 T011",
  });
  expect(taskOf(plans, "T009")).toMatchObject({
    title: "Form in src/form.ts with every field",
    text: expect.stringContaining("Goal: A user signs in") as string,
    files: ["src/form.ts"],
    priority: "high",
    labels: ["US1"],
    place: "specs/001-login/tasks.md:16",
  });
  expect(taskOf(plans, "T009").text).toContain("specs/001-login/");
});

test("a dependency that the document states replaces the usual one of its phase", () => {
  const said = `${PLAN}
## Dependencies & Execution Order
- **US2 (Phase 4)**: Depends on US1 (its session) - MVP
- **User Story 3 (P3)**: Can start after Setup (Phase 1) - No dependencies on US1
- **Polish (Final Phase)**: Depends on all desired user stories
- **Setup (Phase 1)**: Depends on Polish
`;
  const plans = readSpecKit(oneFile("tasks.md", said));
  expect(taskOf(plans, "T010").needs).toEqual(["T008", "T009", "T004", "T005"]);
  expect(taskOf(plans, "T011").needs).toEqual(["T001"]);
  expect(taskOf(plans, "T012").needs).toEqual(["T008", "T009", "T010", "T011"]);
  expect(taskOf(plans, "T001").needs).toEqual([]);
});

test("two groups of thousands keep their order through one task between them", () => {
  const group = (from: number) => Array.from({ length: 1_000 }, (_, at) => `- [ ] T${from + at} [P] Part`).join("\n");
  const [plan] = readSpecKit(oneFile("tasks.md", `## Phase 1: A\n${group(1_000)}\n## Phase 2: B\n${group(2_000)}`));
  const edges = plan?.tasks.reduce((sum, { needs }) => sum + needs.length, 0);
  expect(edges).toBe(1_999);
  expect(plan?.tasks.at(-1)?.needs).toEqual(["T1999"]);
});

test("a task without an id and a second one with the same are listed, code and comments are no tasks", () => {
  const [plan] = readSpecKit(
    oneFile(
      "t.md",
      "- [ ] T001 One\n- [ ] T001 Again\n- [ ] No id\n```\n- [ ] T002 Code\n```\n<!-- - [ ] T003 Comment -->\n",
    ),
  );
  expect(plan?.tasks.map(({ ref }) => ref)).toEqual(["T001"]);
  expect(plan?.unmapped.map(({ place, why }) => `${place} ${why}`)).toEqual([
    "t.md:2 has the id of t.md:1, which counts",
    "t.md:3 has no id such as T001, by which a later import would know it",
  ]);
});

test.each([
  ["Create the model in src/models/user.ts", ["src/models/user.ts"]],
  ["Test the client in `tests/client.test.ts` (uses `src/client.ts`)", ["tests/client.test.ts"]],
  ["Implement `login.ts` in `src/pages/`", ["src/pages/login.ts"]],
  ["Rename in a/x.ts, a/y.ts and a/z.ts", ["a/x.ts", "a/y.ts", "a/z.ts"]],
  ["Unit tests for src/foo.ts in tests/foo.test.ts", ["tests/foo.test.ts"]],
  ["Write to ../elsewhere/x.ts or docs/", []],
  ["Create src/models/[entity].py and e.g. v2.1.0/", []],
])("%s names the files it writes", (description, paths) => {
  expect(pathsWritten(description)).toEqual(paths);
});
