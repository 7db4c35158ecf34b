import { describe, expect, it } from "vitest";
import type { StoreHooks } from "../../src/store/driver/faults.js";
import type { InputOf, ResultOf } from "../../src/tools/registry.js";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS, testRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

type Page = ResultOf<"list_escalations">;

describe.each(BACKENDS)("open questions on %s", (backend) => {
  /** Two runs with 30 questions between them, asked in turn; and the rows that the last call has read. */
  async function room() {
    const runtime = testRuntime();
    const read = { most: 0 };
    const observe: StoreHooks["observe"] = (_, rows) => void (read.most = Math.max(read.most, rows.length));
    const app = await startAppOn(backend, { runtime, storeHooks: { now: () => runtime.clock.now(), observe } });
    const crew = new Crew(app);
    const questions = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ key: `q${at}`, kind: "human", ask: `question ${at}?` }));
    const { run } = await crew.start(questions(25));
    const { run: other } = await crew.start(questions(5));
    const list = async (input: InputOf<"list_escalations"> = {}): Promise<Page> => {
      read.most = 0;
      return app.call("list_escalations", input);
    };
    return { app, run: run.id, other: other.id, list, read };
  }

  it("come in pages, each question once, oldest first, and no more of them are read", async () => {
    const { run, other, list, read } = await room();
    const seen: Page["escalations"][number][] = [];
    const sizes: number[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined;) {
      const page: Page = await list({ limit: 8, ...(cursor === "" ? {} : { cursor }) });
      expect(read.most).toBeLessThanOrEqual(9);
      sizes.push(page.escalations.length);
      seen.push(...page.escalations);
      cursor = page.next_cursor;
    }
    expect(sizes).toEqual([8, 8, 8, 6]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(30);
    expect(seen.map(({ id }) => id)).toEqual(seen.map(({ id }) => id).toSorted());
    expect(seen.map(({ task }) => task!.run)).toEqual([
      ...Array<string>(25).fill(run),
      ...Array<string>(5).fill(other),
    ]);
  });

  it("are those of one run where it is named; a whole page is the last where nothing follows", async () => {
    const { other, list } = await room();
    const page = await list({ run: other, limit: 5 });
    expect(page.escalations.map(({ ask }) => ask)).toEqual([0, 1, 2, 3, 4].map((at) => `question ${at}?`));
    expect(page.next_cursor).toBeUndefined();
    expect((await list({ run: other, limit: 4 })).next_cursor).toBe(page.escalations[3]?.id);
  });

  it("are refused by the thousand, and go on where one was answered between two pages", async () => {
    const { app, run, list } = await room();
    await expect(list({ limit: 1_000 })).rejects.toMatchObject({ code: "invalid_input" });
    const first = await list({ run, limit: 10 });
    await app.call("cancel_task", { task: first.escalations[9]!.id });
    const second = await list({ run, limit: 10, cursor: first.next_cursor });
    expect(second.escalations.map(({ ask }) => ask)[0]).toBe("question 10?");
  });
});
