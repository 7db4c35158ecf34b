import { expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

test.each(BACKENDS)(
  "the hash of a window with an agent's own summary is the same in a restore and in a fork, until the window changes: %s",
  async (backend) => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([{ key: "work" }]);
    const { id: task } = await crew.take("ann", { run: run.id });
    const window = { agent: "ann", window: "notes" } as const;
    for (const n of [1, 2, 3])
      await call("add_context", {
        ...window,
        task,
        role: "user",
        content: `${n} ${"The sky is blue and wide. ".repeat(20)}`,
      });
    const take = async () => (await call("create_checkpoint", { run: run.id, agent: "ann" })).checkpoint.id;
    const marksOf = async (checkpoint: string, as: "in_place" | "fork") =>
      (await call("resume_from_checkpoint", { checkpoint, agent: "ann", as })).context_windows;

    const extracted = await take();
    await call("compact_context", { ...window, keep_recent: 1, summary: "Keys are UUIDs." });
    const summarized = await take();
    const [before] = (await marksOf(extracted, "fork")) ?? [];
    expect(before).toMatchObject({ name: "notes", messages: 3, changed: true });
    for (const as of ["fork", "in_place", "in_place"] as const) {
      const [mark] = (await marksOf(summarized, as)) ?? [];
      expect(mark).toMatchObject({ name: "notes", messages: 2, changed: false });
      expect(mark?.hash).not.toBe(before?.hash);
      // As it is now, an earlier restore included.
      expect((await marksOf(await take(), "fork"))?.[0]?.hash).toBe(mark?.hash);
    }
    await call("compact_context", { ...window, keep_recent: 0, summary: "UUIDs." });
    expect(await marksOf(summarized, "fork")).toMatchObject([{ changed: true }]);
  },
);
