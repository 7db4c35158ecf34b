import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startApp, startAppOn, type TestApp, type TestAppOptions } from "../support/servers/app.js";

const DECIDED = "We decided to use UUIDs as keys instead of integers.";
const talk = (topic: string): string =>
  [
    `About ${topic}. The sky over it is blue and wide.`,
    `${DECIDED.replace("keys", topic)} It is nice here today.`,
    "Birds sing. ".repeat(30),
  ].join(" ");

describe.each(BACKENDS)("context windows on %s", (backend) => {
  async function office(options: TestAppOptions = {}): Promise<TestApp> {
    const app = await startAppOn(backend, options);
    await app.call("create_project", { name: "demo", root: app.cwd });
    for (const agent of ["ann", "ben"]) await app.call("register_agent", { name: agent });
    return app;
  }

  const ann = { agent: "ann", project: "demo" } as const;

  test("count their tokens, and give back the newest messages that have room, oldest first", async () => {
    const { call } = await office();
    const first = await call("add_context", { ...ann, role: "user", content: "Hello, World!" });
    expect(first).toMatchObject({
      message: 1,
      message_tokens: 8,
      tokens: 8,
      limit: 100_000,
      needs_compaction: false,
      compacted: false,
    });
    expect(first.window).toMatchObject({ name: "main", agent: "ann", messages: 1 });
    for (const content of ["one ".repeat(100), "two ".repeat(100)])
      await call("add_context", { ...ann, role: "assistant", content });
    const all = await call("get_context", ann);
    expect(all.messages.map(({ number, role }) => [number, role])).toEqual([
      [1, "user"],
      [2, "assistant"],
      [3, "assistant"],
    ]);
    expect(all.messages[0]).toMatchObject({ from: "ann", content: "Hello, World!", tokens: 8 });
    expect(all).not.toHaveProperty("next_cursor");
    expect(all.answer_tokens).toBe(all.tokens);
    const few = await call("get_context", { ...ann, max_tokens: 150 });
    expect(few.messages.map(({ number }) => number)).toEqual([3]);
    const older = await call("get_context", { ...ann, cursor: few.next_cursor });
    expect(older.messages.map(({ number }) => number)).toEqual([1, 2]);
    await expect(call("get_context", { ...ann, cursor: "x" })).rejects.toMatchObject({ code: "invalid_input" });
  });

  test("are read by at most 24,000 tokens a call, however many are asked for", async () => {
    const { call } = await office();
    for (let count = 0; count < 3; count++)
      await call("add_context", { ...ann, role: "user", content: "word ".repeat(10_000), compact: false });
    const answer = await call("get_context", { ...ann, max_tokens: 100_000 });
    expect(answer.messages.map(({ number }) => number)).toEqual([2, 3]);
    expect(answer.answer_tokens).toBeLessThanOrEqual(24_000);
    expect(answer).toHaveProperty("next_cursor");
  });

  test("drop chatter before a decision, however old the decision is", async () => {
    const { call } = await office();
    const said = { ...ann, role: "user", kind: "conversation" } as const;
    await call("add_context", { ...said, content: "Decision: order keys are UUIDv7. Never floats." });
    for (let n = 1; n <= 30; n++) await call("add_context", { ...said, content: `Chat ${n} about nothing` });
    const after = await call("compact_context", { ...ann, keep_recent: 2, target_tokens: 200 });
    expect(after.dropped).toBeGreaterThan(0);
    expect(after.tokens).toBeLessThanOrEqual(200);
    const { messages } = await call("get_context", ann);
    expect(messages[0]).toMatchObject({ number: 1, content: "Decision: order keys are UUIDv7. Never floats." });
    expect(messages.slice(-2).map(({ number }) => number)).toEqual([30, 31]);
  });

  test("compact themselves at their threshold: decisions stay, the newest messages stay whole, originals can be read", async () => {
    const { call } = await office();
    let compactions = 0;
    for (let n = 1; n <= 60; n++) {
      const added = await call("add_context", {
        ...ann,
        role: "user",
        content: talk(`t${n}`),
        kind: "conversation",
        max_tokens: 3_000,
        keep_recent: 4,
      });
      if (added.compacted) compactions++;
      expect(added.tokens).toBeLessThanOrEqual(3_000);
    }
    expect(compactions).toBeGreaterThan(1);
    const { messages, tokens } = await call("get_context", ann);
    expect(tokens).toBeLessThan(2_400);
    expect(messages.slice(-4).every(({ summary }) => summary === undefined)).toBe(true);
    const shortened = messages.filter(({ summary }) => summary === "extract");
    expect(shortened.length).toBeGreaterThan(5);
    for (const { number, content, content_tokens: before, tokens: after } of shortened) {
      expect(content).toContain(`decided to use UUIDs as t${number} instead`);
      expect(content).not.toContain("Birds");
      expect(after).toBeLessThan(before ?? 0);
    }
    const [old] = shortened;
    const whole = await call("get_context", { ...ann, message: old?.number });
    expect(whole.messages[0]?.content).toBe(talk(`t${old?.number}`));
  });

  test("are left alone where the call says so, and tell that they need it", async () => {
    const { call } = await office({ settings: { context_compaction_threshold: 0.5 } });
    for (let n = 1; n <= 12; n++) {
      const added = await call("add_context", {
        ...ann,
        role: "user",
        content: talk(`t${n}`),
        max_tokens: 2_000,
        compact: false,
      });
      expect(added.compacted).toBe(false);
      expect(added.needs_compaction).toBe(added.tokens >= 1_000);
    }
    const before = await call("get_context", ann);
    expect(before.needs_compaction).toBe(true);
    const after = await call("compact_context", { ...ann, keep_recent: 2, target_tokens: 200 });
    expect(after).toMatchObject({ before: before.tokens, needs_compaction: false, compacted: true });
    expect(after.tokens).toBeLessThanOrEqual(200);
    expect(after.dropped).toBeGreaterThan(0);
  });

  test("take an agent's own summary in place of the older messages, if it is shorter than they are", async () => {
    const { call } = await office();
    for (let n = 1; n <= 5; n++) await call("add_context", { ...ann, role: "user", content: talk(`t${n}`) });
    await expect(call("compact_context", { ...ann, keep_recent: 5, summary: "short" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(
      call("compact_context", { ...ann, keep_recent: 4, summary: "long ".repeat(500) }),
    ).rejects.toMatchObject({ code: "invalid_input" });
    const summary = "Keys are UUIDs, for t1 to t3.";
    expect(await call("compact_context", { ...ann, keep_recent: 2, summary })).toMatchObject({
      summarized: 1,
      dropped: 2,
    });
    const { messages } = await call("get_context", ann);
    expect(messages.map(({ number }) => number)).toEqual([3, 4, 5]);
    expect(messages[0]).toMatchObject({ content: summary, summary: "agent", from: "ann" });
  });

  test("are their agent's own: another neither reads nor writes one, a person reads it", async () => {
    const app = await office();
    const { window } = await app.call("add_context", { ...ann, role: "user", content: "mine" });
    for (const call of [
      () => app.call("get_context", { window: window.id, agent: "ben" }),
      () => app.call("compact_context", { window: window.id, agent: "ben" }),
      () => app.call("add_context", { window: window.id, agent: "ben", role: "user", content: "x" }),
    ])
      await expect(call()).rejects.toMatchObject({ code: "not_permitted", details: { held_by: "ann" } });
    await expect(app.call("get_context", { agent: "ben", project: "demo" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(app.call("get_context", { ...ann, window: "mian" })).rejects.toThrow(/main/);
    const person = await startApp({ database: app.database, channel: "human", cwd: app.cwd });
    expect((await person.call("get_context", { window: window.id })).messages[0]?.content).toBe("mine");
  });

  test("go with a task that is handed over and taken", async () => {
    const { call } = await office();
    const app = { call } as TestApp;
    const crew = new Crew(app);
    await crew.start([{ key: "work" }], { project: "demo" });
    const held = await crew.take("ann", {});
    for (const window of ["main", "notes"])
      await call("add_context", { ...ann, window, role: "user", content: `of ${window}` });
    await call("add_context", { ...ann, window: "work", task: held.id, role: "user", content: "of the task" });
    await call("add_context", { agent: "ben", project: "demo", window: "work", role: "user", content: "ben's own" });
    const { handoff } = await call("request_handoff", {
      task: held.id,
      token: held.token,
      agent: "ann",
      to: "ben",
      reason: "tired",
    });
    await call("respond_handoff", { handoff: handoff.id, agent: "ben", accept: true });
    const moved = await call("get_context", { agent: "ben", project: "demo", window: "work-2" });
    expect(moved).toMatchObject({
      window: { task: held.id, agent: "ben" },
      messages: [{ from: "ann", content: "of the task" }],
    });
    await expect(call("get_context", { ...ann, window: "work" })).rejects.toMatchObject({ code: "not_found" });
    expect((await call("get_context", { ...ann, window: "notes" })).messages).toHaveLength(1);
  });

  test("go with their task also where their names fill the bound", async () => {
    const { call } = await office();
    const crew = new Crew({ call } as TestApp);
    await crew.start([{ key: "work" }], { project: "demo" });
    const held = await crew.take("ann", {});
    const window = "w".repeat(100);
    await call("add_context", { ...ann, window, task: held.id, role: "user", content: "of the task" });
    await call("add_context", { agent: "ben", project: "demo", window, role: "user", content: "ben's own" });
    const offer = { task: held.id, token: held.token, agent: "ann", to: "ben", reason: "tired" };
    const { handoff } = await call("request_handoff", offer);
    await call("respond_handoff", { handoff: handoff.id, agent: "ben", accept: true });
    const moved = await call("get_context", { agent: "ben", project: "demo", window: `${"w".repeat(98)}-2` });
    expect(moved.messages).toMatchObject([{ from: "ann", content: "of the task" }]);
  });

  test("are named in checkpoints of their task's run by their hash and counts, and stay what they are", async () => {
    const app = await office();
    const crew = new Crew(app);
    const { run } = await crew.start([{ key: "work" }], { project: "demo" });
    const held = await crew.take("ann", { run: run.id });
    for (const window of ["a", "b"])
      await app.call("add_context", { ...ann, window, task: held.id, role: "user", content: window });
    await app.call("add_context", { ...ann, role: "user", content: "of no task" });
    const { checkpoint } = await app.call("create_checkpoint", { run: run.id, agent: "ann" });
    await app.call("add_context", { ...ann, window: "b", role: "user", content: "later" });
    const resume = { checkpoint: checkpoint.id, agent: "ann" } as const;
    const { context_windows: marks = [] } = await app.call("resume_from_checkpoint", { ...resume, as: "in_place" });
    expect(marks.map(({ name, messages, changed }) => [name, messages, changed])).toEqual([
      ["a", 1, false],
      ["b", 1, true],
    ]);
    expect(marks[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await app.call("get_context", { ...ann, window: "b" })).messages).toHaveLength(2);
  });

  test("never answer with more tokens than were asked for, and never grow by being compacted", async () => {
    const { call } = await office();
    const kinds = fc.constantFrom("message", "code", "requirements", "conversation", "file");
    const text = fc.oneof(
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 300 })
        .filter((given) => !given.includes("\0") && !/\p{Surrogate}/u.test(given)),
      fc.constantFrom(
        talk("x"),
        "export function f(): void {\n  return;\n}\n".repeat(40),
        "- it must be fast\n".repeat(60),
      ),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ content: text, kind: kinds }), { minLength: 1, maxLength: 8 }),
        fc.record({
          max_tokens: fc.integer({ min: 100, max: 700 }),
          keep_recent: fc.nat(4),
          target_tokens: fc.nat(900),
        }),
        async (messages, { max_tokens, ...terms }) => {
          const window = { ...ann, window: `w${++run}` };
          for (const message of messages)
            await call("add_context", { ...window, ...message, role: "user", compact: false });
          const before = await call("get_context", { ...window, max_tokens });
          expect(before.answer_tokens).toBeLessThanOrEqual(max_tokens);
          const after = await call("compact_context", { ...window, ...terms });
          expect(after.tokens).toBeLessThanOrEqual(before.tokens);
          const page = await call("get_context", { ...window, max_tokens });
          expect(page.answer_tokens).toBeLessThanOrEqual(max_tokens);
          const [{ tokens }] = [
            await call("estimate_tokens", { content: page.messages.map(({ content }) => content).join("\n") }),
          ];
          expect(tokens).toBeLessThanOrEqual(page.answer_tokens);
        },
      ),
      { numRuns: backend === "sqlite" ? 25 : 5 },
    );
  });

  test("keep every decision through compactions of what was compacted, as long as the decisions have room", async () => {
    const { call } = await office();
    const filler = fc.constantFrom(
      "The sky is blue and wide. ",
      "Birds sing over the hills. ",
      "It rains in the north. ",
    );
    const talks = fc.array(fc.record({ before: fc.nat(12), after: fc.nat(30), with: filler }), {
      minLength: 3,
      maxLength: 7,
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(talks, fc.array(fc.nat(400), { minLength: 1, maxLength: 3 }), async (sizes, spares) => {
        const window = { ...ann, window: `d${++run}` };
        const decisions = sizes.map((_, n) => `We decided that module ${n} writes its keys as UUIDs.`);
        for (const [n, { before, after, with: said }] of sizes.entries()) {
          const content = `Hello there. ${said.repeat(before)}\n${decisions[n]}\n${said.repeat(after)}`;
          await call("add_context", { ...window, role: "user", kind: "conversation", content, compact: false });
        }
        // A line of a decision, and what each message takes beside it.
        const least = (await call("estimate_tokens", { content: decisions.map((one) => `- ${one}`).join("\n") }))
          .tokens;
        for (const spare of spares.toSorted((a, b) => b - a)) {
          const target = least + 8 * sizes.length + spare;
          await call("compact_context", { ...window, keep_recent: 0, target_tokens: target });
        }
        const { messages, tokens } = await call("get_context", window);
        const text = messages.map(({ content }) => content).join("\n");
        for (const decision of decisions) expect(text).toContain(decision);
        expect(tokens).toBeLessThanOrEqual(least + 8 * sizes.length + Math.min(...spares));
      }),
      { numRuns: backend === "sqlite" ? 25 : 5 },
    );
  });

  test("tell what a compaction has left out and what a summary stands for, by numbers that can be read", async () => {
    const { call } = await office();
    const said = { ...ann, role: "user", kind: "conversation" } as const;
    await call("add_context", { ...said, content: "Decision: order keys are UUIDv7." });
    for (let n = 2; n <= 12; n++) await call("add_context", { ...said, content: `Chat ${n} about nothing` });
    await call("compact_context", { ...ann, keep_recent: 2, target_tokens: 50 });
    const { messages } = await call("get_context", ann);
    expect(messages[0]).not.toHaveProperty("left_out_before");
    expect(messages.slice(-2).map(({ number }) => number)).toEqual([11, 12]);
    const gaps = messages.flatMap(({ left_out_before: gap }) => (gap === undefined ? [] : [gap]));
    expect(gaps.reduce((sum, { from, to }) => sum + to - from + 1, messages.length)).toBe(12);
    const [gap] = gaps;
    const left = await call("get_context", { ...ann, message: gap?.from });
    expect(left.messages).toMatchObject([
      { number: gap?.from, left_out: true, content: `Chat ${gap?.from} about nothing` },
    ]);
    await call("compact_context", { ...ann, keep_recent: 1, summary: "UUIDv7." });
    expect((await call("get_context", ann)).messages).toMatchObject([
      { number: 11, content: "UUIDv7.", stands_for: { from: 1, to: 11 } },
      { number: 12 },
    ]);
    const added = await call("add_context", { ...said, content: "word ".repeat(900), max_tokens: 1_000 });
    expect(added).toMatchObject({ compacted: true, summarized: 1 });
  });

  test("go when they are older than what has ended is kept, with contents that nothing else has", async () => {
    const app = await office({ settings: { retention_ms: 60_000 } });
    const content = "x".repeat(100_000);
    await app.call("add_context", { ...ann, role: "user", content });
    await app.advance(30_000);
    await app.call("add_context", { ...ann, window: "young", role: "user", content: "young" });
    await app.advance(40_000);
    await app.advance(10_000);
    await expect(app.call("get_context", ann)).rejects.toMatchObject({ code: "not_found" });
    expect((await app.call("get_context", { ...ann, window: "young" })).messages).toHaveLength(1);
  });
});
