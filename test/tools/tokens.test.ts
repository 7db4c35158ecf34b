import { describe, expect, test } from "vitest";
import { startApp, startAppOn } from "../support/servers/app.js";
import { type Backend, BACKENDS, ownRuntime } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const crewOn = async (backend: Backend) => new Crew(await startAppOn(backend));

describe.each(BACKENDS)("a token on %s", (backend) => {
  test("is shown to its holder alone: no task, list, event or refusal has it", async () => {
    const team = await crewOn(backend);
    const { run } = await team.start([{ key: "a", retry: { max_attempts: 1 } }]);
    // A token that is no other number of the answers.
    for (let at = 0; at < 7; at++) {
      const held = await team.take("ann", { run: run.id });
      await team.app.call("release_task", { task: held.id, token: held.token });
    }
    const { id, token } = await team.take("ann", { run: run.id });
    const include = ["attempts", "events", "history", "result"] as const;
    const seen = [
      await team.app.call("get_task", { task: id, include: [...include] }),
      await team.app.call("list_tasks", { run: run.id }),
      await team.app.call("list_events", { run: run.id }),
      await team.app.call("complete_task", { task: id, token: 99 }).catch((error: unknown) => ({ error })),
    ];
    for (const answer of seen) expect(JSON.stringify(answer)).not.toMatch(new RegExp(`"\\w*token"[^,]*\\b${token}\\b`));
    await team.fail({ id, token });
    const [deadLetter] = (await team.app.call("list_dead_letters", { run: run.id })).dead_letters;
    const whole = await team.app.call("get_dead_letter", { id: deadLetter!.id });
    expect(JSON.stringify(whole)).not.toContain("token");
    const next = await team.start([{ key: "mine" }]);
    const own = await team.app.call("claim_task", { run: next.run.id });
    expect((await team.app.call("get_task", { task: own.task!.id })).lease).toEqual(own.lease);
  });

  test("of another agent in a call: the history tells who made it, and from which session", async () => {
    const team = await crewOn(backend);
    const other = await startApp({ database: team.app.database, cwd: team.app.cwd, runtime: ownRuntime() });
    const { run } = await team.start(["a", "b", "c", "d"].map((key) => ({ key, retry: { max_attempts: 1 } })));
    const [a, b, c, d] = [
      await team.take("ann", { run: run.id }),
      await team.take("ben", { run: run.id }),
      await team.take("cat", { run: run.id }),
      await team.take("dan", { run: run.id }),
    ];
    await team.app.call("complete_task", { task: a.id, token: a.token, agent: "ann" });
    await other.call("fail_task", { task: b.id, token: b.token, error: { type: "no", message: "no" }, agent: "eve" });
    await other.call("release_task", { task: c.id, token: c.token, agent: "cat" });
    await other.call("report_progress", { task: d.id, token: d.token, agent: "dan" });
    await other.call("complete_task", { task: d.id, token: d.token });
    const types = ["task.succeeded", "task.dead_letter", "task.released", "task.progress"];
    const { events } = await team.app.call("list_events", { run: run.id, types });
    const told = events.map(({ type, agent, data }) => [type, agent, data["by"], typeof data["by_session"]]);
    expect(told).toEqual([
      ["task.succeeded", "ann", undefined, "undefined"],
      ["task.dead_letter", "ben", "eve", "string"],
      ["task.released", "cat", undefined, "string"],
      ["task.progress", "dan", undefined, "string"],
      ["task.succeeded", "dan", expect.stringMatching(/^test-/), "undefined"],
    ]);
  });
});
