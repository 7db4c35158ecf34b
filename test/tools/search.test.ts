import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp } from "../support/servers/app.js";

describe.each(BACKENDS)("search on %s", (backend) => {
  async function office(): Promise<TestApp> {
    const app = await startAppOn(backend);
    const { call } = app;
    await call("create_project", { name: "demo", root: app.cwd });
    await call("create_project", { name: "other" });
    for (const name of ["ann", "ben"]) await call("register_agent", { name, roles: ["coupon_clerk"] });
    const crew = new Crew(app);
    await crew.start(
      [
        { key: "api", title: "The API", prompt: "Take COUPONS of 100% and more,\nbut not two!" },
        { key: "mail", title: "Mails", prompt: "Write them." },
      ],
      { project: "demo" },
    );
    const { id: task, token } = await crew.take("ben", { project: "demo" });
    await call("fail_task", {
      agent: "ben",
      task,
      token,
      retryable: false,
      error: { type: "gone", message: "the coupon table is gone" },
    });
    await call("send_message", { agent: "ann", to: "ben", body: "A coupon for you", project: "demo" });
    await call("send_message", { agent: "ann", to: "all", subject: "News", body: "The coupons stay", project: "demo" });
    await call("escalate", {
      agent: "ann",
      type: "ambiguous_requirement",
      title: "Do coupons expire?",
      project: "demo",
    });
    return app;
  }

  const kinds = ({ found }: { found: readonly { kind: string }[] }) => found.map(({ kind }) => kind);

  test("finds a word in texts of every kind, whatever its case, with the words around it", async () => {
    const { call } = await office();
    const { found, more } = await call("search", { text: "Coupon" });
    expect(new Set(kinds({ found }))).toEqual(
      new Set(["task", "question", "dead_letter", "message", "agent", "event"]),
    );
    expect(found.find(({ kind }) => kind === "task")).toMatchObject({
      title: "The API",
      excerpt: "Take COUPONS of 100% and more,\nbut not two!",
      status: "dead_letter",
    });
    expect(found.find(({ kind }) => kind === "dead_letter")).toMatchObject({ excerpt: "the coupon table is gone" });
    expect(more).toEqual([]);
    expect(kinds(await call("search", { text: "plan", kinds: ["run"] }))).toContain("run");
    expect((await call("search", { text: "coupon", limit: 1, kinds: ["agent"] })).more).toEqual(["agent"]);
  });

  test("takes signs of patterns as they are, and finds nothing in another project", async () => {
    const { call } = await office();
    expect(kinds(await call("search", { text: "100%", kinds: ["task"] }))).toEqual(["task"]);
    expect(kinds(await call("search", { text: "1_0", kinds: ["task"] }))).toEqual([]);
    expect(kinds(await call("search", { text: "two!", kinds: ["task"] }))).toEqual(["task"]);
    expect(
      kinds(await call("search", { text: "coupon", project: "other", kinds: ["task", "message", "event"] })),
    ).toEqual([]);
    await expect(call("search", { text: "coupon", project: "none" })).rejects.toMatchObject({ code: "not_found" });
  });

  test("shows what is written to one agent to its two sides and to a person alone", async () => {
    const app = await office();
    const inMessages = { text: "coupon", kinds: ["message" as const] };
    const titles = async ({ call }: Pick<TestApp, "call">) =>
      (await call("search", inMessages)).found.map(({ title }) => title);
    expect(await titles(app)).toContain("News");
    expect(await titles(app)).not.toContain("A coupon for you");
    expect(await titles(await startApp({ database: app.database, agent: "ben" }))).toContain("A coupon for you");
    const person = await startApp({ database: app.database, channel: "human", agent: "anna" });
    expect(await titles(person)).toContain("A coupon for you");
  });
});
