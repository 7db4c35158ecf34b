import { describe, expect, it } from "vitest";
import { startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";
import { Crew } from "../support/fixtures/plan.js";

const output = {
  type: "object",
  properties: {
    payload: { type: "object", required: ["number"], properties: { number: { type: "integer", minimum: 1 } } },
  },
};

describe.each(BACKENDS)("signal on %s", (backend) => {
  async function crew(): Promise<Crew> {
    return new Crew(await startAppOn(backend));
  }

  async function errorOf(team: Crew, task: string) {
    const { attempts } = await team.app.call("get_task", { task, include: ["attempts"] });
    return attempts!.at(-1);
  }

  it("answers with the tasks as they are once it is delivered", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "hook", kind: "wait", event: "merged" },
      { key: "other", kind: "wait", event: "merged" },
      { key: "late", kind: "wait", event: "merged", needs: ["hook"] },
    ]);
    expect(await team.app.call("signal", { task: `${run.id}/hook`, event: "merged" })).toMatchObject({
      delivered: [{ key: "hook", status: "succeeded" }],
      kept: false,
    });
    expect(await team.app.call("signal", { run: run.id, event: "merged" })).toMatchObject({
      delivered: [
        { key: "other", status: "succeeded" },
        { key: "late", status: "succeeded" },
      ],
      kept: false,
    });
    expect((await team.run(run.id)).status).toBe("succeeded");
  });

  it("is refused with the problems where a step that waits for it expects other data, and no step is given it", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "plain", kind: "wait", event: "merged" },
      { key: "strict", kind: "wait", event: "merged", output },
    ]);
    for (const where of [{ run: run.id }, { task: `${run.id}/strict` }]) {
      await expect(
        team.app.call("signal", { ...where, event: "merged", payload: { number: 0 } }),
      ).rejects.toMatchObject({
        code: "invalid_input",
        message: expect.stringMatching(
          /strict.*result\.payload\.number: must be at least 1, is 0.*Nothing was delivered/,
        ),
        details: { problems: [{ path: "result.payload.number" }] },
      });
    }
    expect(await team.statuses(run.id)).toEqual({ plain: "waiting", strict: "waiting" });
    await team.app.call("signal", { run: run.id, event: "merged", payload: { number: 7 } });
    expect(await team.statuses(run.id)).toEqual({ plain: "succeeded", strict: "succeeded" });
  });

  it("that one step refuses says to which others it can be given", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "plain", kind: "wait", event: "merged" },
      { key: "strict", kind: "wait", event: "merged", output },
    ]);
    const refused = team.app.call("signal", { run: run.id, event: "merged", payload: { number: 0 } });
    const { next } = (await refused.catch((error: unknown) => error)) as { next: { arguments: object }[] };
    expect(next).toMatchObject([{ tool: "call_operation", arguments: { name: "signal" } }]);
    await team.app.callUnchecked("call_operation", { ...next[0]?.arguments });
    expect(await team.statuses(run.id)).toEqual({ plain: "succeeded", strict: "waiting" });
  });

  it("with a name that no step can have is refused, and not kept", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "hook", kind: "wait", event: "go" }]);
    await expect(team.app.call("signal", { run: run.id, event: "go on" })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("must be the name of an event"),
    });
  });

  it("to one step that will wait for it is refused before it does", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "first" },
      { key: "hook", kind: "wait", event: "go", needs: ["first"], output },
    ]);
    const given = { task: `${run.id}/hook`, event: "go" };
    await expect(team.app.call("signal", { ...given, payload: "?" })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await team.app.call("signal", { ...given, payload: { number: 3 } })).toMatchObject({ kept: true });
    await team.complete(await team.take("ann", { run: run.id }));
    expect(await team.statuses(run.id)).toEqual({ first: "succeeded", hook: "succeeded" });
  });

  it("that was kept and does not fit fails its step as a bad output does, in the name of who gave it", async () => {
    const team = await crew();
    const { run } = await team.start([
      { key: "first" },
      { key: "hook", kind: "wait", event: "go", needs: ["first"], output },
      { key: "behind", needs: ["hook"] },
    ]);
    await team.app.call("signal", { run: run.id, event: "go", payload: { number: "seven" }, agent: "zoe" });
    await team.complete(await team.take("ann", { run: run.id }));
    expect(await team.statuses(run.id)).toEqual({ first: "succeeded", hook: "dead_letter", behind: "blocked" });
    expect(await errorOf(team, `${run.id}/hook`)).toMatchObject({
      agent: "zoe",
      error: { type: "invalid_output", message: expect.stringContaining("result.payload.number") },
    });
  });

  it("given to one step by several at once ends its wait once; the others hear that it has ended", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "hook", kind: "wait", event: "go" }, { key: "open" }]);
    const given = { task: `${run.id}/hook`, event: "go" };
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => team.app.call("signal", given)));
    const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as object] : []));
    expect(refused).toMatchObject(Array.from({ length: 7 }, () => ({ code: "invalid_transition" })));
    expect(answers.find(({ status }) => status === "fulfilled")).toMatchObject({ value: { kept: false } });
  });

  it("names an element of a list, or the run: the list as a whole waits for nothing", async () => {
    const team = await crew();
    const { run } = await team.start([{ key: "each", kind: "wait", event: "go", for_each: ["a", "b"] }]);
    await expect(team.app.call("signal", { task: `${run.id}/each`, event: "go" })).rejects.toMatchObject({
      code: "invalid_transition",
      message: expect.stringContaining("elements of a list"),
    });
    await team.app.call("signal", { task: `${run.id}/each[0]`, event: "go" });
    expect(await team.statuses(run.id)).toMatchObject({
      each: "pending",
      "each[0]": "succeeded",
      "each[1]": "waiting",
    });
  });
});
