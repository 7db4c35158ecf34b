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

  test("of another agent's attempt ends nothing: the refusal names the holder, who is untouched", async () => {
    const team = await crewOn(backend);
    const other = await startApp({ database: team.app.database, cwd: team.app.cwd, runtime: ownRuntime() });
    const { run } = await team.start(["a", "b"].map((key) => ({ key, retry: { max_attempts: 1 } })));
    const [a, b] = [await team.take("ann", { run: run.id }), await team.take("ben", { run: run.id })];
    const [held, of] = [
      { task: a.id, token: a.token },
      { task: b.id, token: b.token },
    ];
    const error = { type: "no", message: "no" };
    const tries = [
      ["complete_task", { ...held, agent: "eve" }, other],
      // A handle that is given counts within the holder's connection too.
      ["complete_task", { ...held, agent: "ben" }, team.app],
      ["fail_task", { ...held, error, agent: "eve" }, other],
      ["release_task", { ...held, agent: "eve" }, other],
      ["report_progress", { ...of, percent: 50, agent: "ann" }, other],
    ] as const;
    const refused = {
      code: "not_permitted",
      message: expect.stringMatching(/is held by (ann|ben), and this call acts as (eve|ben|ann)/),
    };
    for (const [name, input, app] of tries) await expect(app.call(name, input as never)).rejects.toMatchObject(refused);
    const { tasks } = await team.app.call("list_tasks", { run: run.id });
    expect(tasks.map(({ status, agent }) => [status, agent])).toEqual([
      ["running", "ann"],
      ["running", "ben"],
    ]);
    await team.app.call("complete_task", { ...held, result: { done: 1 } });
    const late = other.call("complete_task", { ...held, result: { done: 1 }, agent: "eve" });
    await expect(late).rejects.toThrow(/was held by ann, and this call acts as eve/);
  });

  test("cannot be guessed: it is no count, and grows with each claim", async () => {
    const team = await crewOn(backend);
    const { run } = await team.start([{ key: "a" }]);
    const tokens: number[] = [];
    for (let at = 0; at < 4; at++) {
      const held = await team.take("ann", { run: run.id });
      tokens.push(held.token);
      await team.app.call("release_task", { task: held.id, token: held.token });
    }
    const steps = tokens.map((token, at) => token - (tokens[at - 1] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(new Set(steps).size).toBe(4);
    expect(Math.max(...steps)).toBeGreaterThan(1_000);
  });

  test("is its holder's over another connection too, and the history tells the session", async () => {
    const team = await crewOn(backend);
    const other = await startApp({ database: team.app.database, cwd: team.app.cwd, runtime: ownRuntime() });
    const { run } = await team.start(["c", "d"].map((key) => ({ key, retry: { max_attempts: 1 } })));
    const [c, d] = [await team.take("cat", { run: run.id }), await team.take("dan", { run: run.id })];
    await other.call("release_task", { task: c.id, token: c.token, agent: "cat" });
    await other.call("report_progress", { task: d.id, token: d.token, agent: "dan" });
    await other.call("complete_task", { task: d.id, token: d.token });
    const types = ["task.succeeded", "task.released", "task.progress"];
    const { events } = await team.app.call("list_events", { run: run.id, types });
    const told = events.map(({ type, agent, data }) => [type, agent, data["by"], typeof data["by_session"]]);
    expect(told).toEqual([
      ["task.released", "cat", undefined, "string"],
      ["task.progress", "dan", undefined, "string"],
      ["task.succeeded", "dan", expect.stringMatching(/^test-/), "undefined"],
    ]);
  });

  test("does not take a review over the author's connection (not_by), by a report, an end or a claim", async () => {
    const team = await crewOn(backend);
    const other = await startApp({ database: team.app.database, cwd: team.app.cwd, runtime: ownRuntime() });
    const { run } = await team.start([{ key: "work" }, { key: "check", needs: ["work"], not_by: ["work"] }]);
    await team.complete(await team.take("ann", { run: run.id }));
    const claim = await other.call("claim_task", { run: run.id, agent: "rex" });
    const held = { task: claim.task!.id, token: claim.lease!.token, agent: "rex" };
    const barred = { code: "not_permitted", message: expect.stringContaining("not for who worked on work (not_by)") };
    for (const name of ["report_progress", "complete_task", "release_task"] as const)
      await expect(team.app.call(name, held)).rejects.toMatchObject(barred);
    await expect(team.app.call("claim_task", { run: run.id, agent: "rex" })).rejects.toMatchObject(barred);
    expect((await other.call("complete_task", held)).task.status).toBe("succeeded");
  });
});
