import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";
import { startAppOn } from "../support/servers/app.js";

describe.each(BACKENDS)("a brief that a checkpoint keeps on %s", (backend) => {
  test("says how the run stood then, by the same hash in a restore and in a fork", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([{ key: "draft" }, { key: "print", needs: ["draft"] }]);
    const { id: task, token } = await crew.take("ann", { run: run.id });
    const { checkpoint } = await call("create_checkpoint", { run: run.id, agent: "ann" });
    await call("complete_task", { agent: "ann", task, token, result: { pages: 40 } });
    await crew.app.advance(600_000);

    const kept = await call("get_brief", { checkpoint: checkpoint.id });
    expect(kept.brief).not.toContain("pages");
    expect(kept.tokens).toBeLessThanOrEqual(2_000);
    expect(kept.hash).toBe(createHash("sha256").update(kept.brief).digest("hex"));
    expect((await call("get_brief", { run: run.id })).brief).toContain("pages");
    for (const as of ["fork", "in_place"] as const) {
      const { brief } = await call("resume_from_checkpoint", { checkpoint: checkpoint.id, agent: "ann", as });
      expect(brief).toEqual({ hash: kept.hash, tokens: kept.tokens });
    }
    expect(await call("get_brief", { checkpoint: checkpoint.id })).toEqual(kept);
  });

  test("is refused where the checkpoint has none or does not exist, and beside another subject", async () => {
    const crew = new Crew(await startAppOn(backend));
    const { call } = crew.app;
    const { run } = await crew.start([{ key: "sign", kind: "human", ask: "Sign?" }]);
    const [before] = (await call("list_checkpoints", { run: run.id })).checkpoints;
    await expect(call("get_brief", { checkpoint: before!.id })).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("keeps no brief"),
      next: [{ tool: "call_operation", arguments: { name: "get_brief", arguments: { run: run.id } } }],
    });
    await expect(call("get_brief", { checkpoint: "checkpoint_none" })).rejects.toMatchObject({ code: "not_found" });
    await expect(call("get_brief", { checkpoint: before!.id, run: run.id })).rejects.toMatchObject({
      code: "invalid_input",
    });
    await expect(call("get_brief", {})).rejects.toMatchObject({
      code: "invalid_input",
      message: "Name a task, a run or a checkpoint, and only one of them.",
    });
  });
});
