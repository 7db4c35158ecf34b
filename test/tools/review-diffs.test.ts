import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { StoreHooks } from "../../src/store/driver/faults.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn } from "../support/servers/app.js";

const BY = ["-c", "user.name=a", "-c", "user.email=a@b.c"];

describe.each(BACKENDS)("the diff of a reviewed step on %s", (backend) => {
  async function team(withGit = true, by = "reviewer") {
    const runtime = testRuntime();
    const statements: string[] = [];
    const observe: NonNullable<StoreHooks["observe"]> = ({ statement }) => {
      if (statement !== "COMMIT") statements.push(statement[0]);
    };
    const shared = { runtime, storeHooks: { now: () => runtime.clock.now(), observe } };
    const crew = new Crew(await startAppOn(backend, shared));
    const { call, cwd } = crew.app;
    const git = (...args: string[]) =>
      execFileSync("git", [...BY, ...args], { cwd, stdio: "pipe" })
        .toString()
        .trim();
    const write = (name: string, text: string) => {
      mkdirSync(path.dirname(path.join(cwd, name)), { recursive: true });
      writeFileSync(path.join(cwd, name), text);
    };
    write("src/api.ts", "one\n");
    write("other.ts", "x\n");
    if (withGit) {
      git("init", "-q");
      git("add", "-A");
      git("commit", "-qm", "first");
    }
    await call("create_project", { name: "demo", root: cwd, config: { reviewers: "handle" } });
    const { run } = await crew.start([{ key: "api", files: { write: ["src/"] }, review: { by } }], {
      project: "demo",
    });
    const held = await crew.take("ann", { run: run.id });
    const review = async () => {
      const claim = await crew.claim("rita", { run: run.id, roles: ["reviewer"] });
      return { brief: claim.task!.review!, task: claim.task!.id, token: claim.lease!.token, agent: "rita" };
    };
    const contentOf = async (artifact: string) => (await call("get_artifact", { artifact })).content!.text;
    const person = () => startApp({ ...shared, database: crew.app.database, channel: "human", agent: "eve" });
    return { crew, person, call, git, write, run: run.id, held, review, contentOf, statements };
  }

  test("is an artifact of the attempt that the reviewer reads, and approval is bound to it", async () => {
    const { crew, call, git, write, run, held, review, contentOf, statements } = await team();
    write("src/api.ts", "two\n");
    git("commit", "-qam", "half");
    write("src/new.ts", "new\n");
    await crew.complete(held);
    statements.length = 0;
    const { brief, ...holding } = await review();
    expect(brief.diff).toMatchObject({ commit: git("rev-parse", "HEAD") });
    // The brief lists the artifacts of the task, and reads none of them a second time.
    expect(statements.filter((text) => text.includes("FROM artifacts WHERE id ="))).toEqual([]);
    const first = await contentOf(brief.diff!.artifact);
    expect(first).toContain("-one\n+two\n");
    expect(first).toContain("+new\n");
    // A small one stands in the brief itself.
    expect(brief.diff!.text).toBe(first);
    expect((await call("list_artifacts", { task: held.id })).artifacts).toMatchObject([
      { name: "api/changes.diff", type: "diff", attempt: 1, from: "ann" },
    ]);

    // A change of its own files voids what was read; the review goes on with the new diff.
    write("src/api.ts", "three\n");
    const late = await call("submit_review", { ...holding, verdict: "approve" }).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: "conflict", details: { before: brief.diff!.artifact } });
    const { reviews } = await call("get_task", { task: held.id });
    expect(reviews![0]!.diff).not.toBe(brief.diff!.artifact);
    expect(await contentOf(reviews![0]!.diff!)).toContain("+three\n");
    // So does the same verdict as a result.
    write("src/api.ts", "four\n");
    await expect(
      crew.complete({ id: holding.task, token: holding.token }, { verdict: "approve" }),
    ).rejects.toMatchObject({ code: "conflict" });

    // Edits of others, and a commit of all, do not.
    write("other.ts", "y\n");
    git("add", "-A");
    git("commit", "-qm", "all");
    expect(await call("submit_review", { ...holding, verdict: "approve" })).toMatchObject({
      task: { status: "succeeded" },
    });
    const { events } = await call("list_events", { run });
    expect(events.filter(({ type }) => type === "review.voided")).toHaveLength(2);
  });

  test("binds the approval of a person as that of an agent", async () => {
    const { crew, call, person: own, write, run, held } = await team(true, "human");
    const person = await own();
    write("src/api.ts", "two\n");
    await crew.complete(held);
    const [question] = (await call("list_escalations", { run })).escalations;
    const approval = { id: question!.id, decision: "approved" } as const;
    write("src/api.ts", "three\n");
    await expect(person.call("decide_escalation", approval)).rejects.toMatchObject({ code: "conflict" });
    expect((await crew.statuses(run))["api"]).toBe("in_review");
    expect(await person.call("decide_escalation", approval)).toMatchObject({ run: { status: "succeeded" } });
    // Decided, it is bound to the files no more: another try is told that it is over.
    write("src/api.ts", "four\n");
    await expect(person.call("decide_escalation", approval)).rejects.toMatchObject({ code: "invalid_transition" });
  });

  test("stays bound to what its reviewer has read, however others try to approve it", async () => {
    const { crew, call, write, run, held, review } = await team();
    write("src/api.ts", "two\n");
    await crew.complete(held);
    const bound = async () => (await call("get_task", { task: held.id })).reviews![0]!.diff;
    const first = await bound();
    write("src/api.ts", "three\n");
    const byAuthor = { task: held.id, agent: "ann", verdict: "approve" } as const;
    await expect(call("submit_review", byAuthor)).rejects.toMatchObject({ code: "not_permitted" });
    const { brief, ...holding } = await review();
    expect(brief.diff!.artifact).toBe(first);
    await expect(call("submit_review", byAuthor)).rejects.toMatchObject({ code: "not_permitted" });
    await expect(call("submit_review", { ...byAuthor, token: holding.token })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await expect(crew.complete({ id: holding.task, token: 1 }, { verdict: "approve" })).rejects.toMatchObject({
      code: "stale_token",
    });
    expect(await bound()).toBe(first);
    // The reviewer's own approvals bind it to the new diff, once.
    const approve = () => call("submit_review", { ...holding, verdict: "approve" });
    const [one] = await Promise.allSettled([approve(), approve()]);
    expect(one).toMatchObject({ reason: { code: "conflict" } });
    expect(await bound()).not.toBe(first);
    const { events } = await call("list_events", { run });
    expect(events.filter(({ type }) => type === "review.voided")).toHaveLength(1);
  });

  test("stays bound to what a person is asked about, where an agent tries to approve it", async () => {
    const { crew, call, person: own, write, run, held } = await team(true, "human");
    const person = await own();
    write("src/api.ts", "two\n");
    await crew.complete(held);
    const [question] = (await call("list_escalations", { run })).escalations;
    write("src/api.ts", "three\n");
    await expect(call("submit_review", { task: held.id, agent: "zoe", verdict: "approve" })).rejects.toMatchObject({
      code: "not_permitted",
    });
    await expect(person.call("decide_escalation", { id: question!.id, decision: "approved" })).rejects.toMatchObject({
      code: "conflict",
    });
  });

  test("shows in each round the whole work since it began", async () => {
    const { crew, call, git, write, run, held, review, contentOf } = await team();
    write("src/api.ts", "two\n");
    git("commit", "-qam", "round one");
    await crew.complete(held);
    const { brief: _, ...first } = await review();
    await call("submit_review", { ...first, verdict: "revise", critique: "more" });
    const again = await crew.take("ann", { run });
    write("src/b.ts", `b\n${"x".repeat(5_000)}\n`);
    await crew.complete(again);
    const { brief } = await review();
    expect(brief.diff).not.toHaveProperty("text");
    const text = await contentOf(brief.diff!.artifact);
    expect(text).toContain("-one\n+two\n");
    expect(text).toContain("+b\n");
  });

  test("is said to be missing where there is no git", async () => {
    const { crew, held, review, call } = await team(false);
    await crew.complete(held);
    const { brief, ...holding } = await review();
    expect(brief.diff).toBeUndefined();
    expect(brief.no_diff).toContain("no git repository");
    expect(await call("submit_review", { ...holding, verdict: "approve" })).toMatchObject({
      task: { status: "succeeded" },
    });
  });
});
