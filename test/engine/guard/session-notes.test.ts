import { mkdirSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { HookOrigin } from "../../../src/engine/guard/hook-origin.js";
import { openHookSession } from "../../../src/engine/guard/hook-sessions.js";
import { heldBrief, othersAtWork, sessionNotes } from "../../../src/engine/guard/session-notes.js";
import { startNote, workLeft } from "../../../src/guard/wording.js";
import { readWorkplace } from "../../../src/runtime/files/workplace.js";
import { BACKENDS, temporaryDirectory } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

const CLIENT = { pid: 11, processStartedAt: 100 };
const ORIGIN: HookOrigin = {
  client: "claude-code",
  conversation: "one",
  ancestors: [CLIENT],
  process: CLIENT,
  ownHandle: undefined,
};

describe.each(BACKENDS)("the notes of a session, on %s", (backend) => {
  test("tell what it holds with the brief, what is ready, and what an agent that stops has left", async () => {
    const cwd = realpathSync(temporaryDirectory());
    mkdirSync(path.join(cwd, ".git"));
    const { app, call } = await startAppOn(backend, { sessionless: true, cwd, agent: "planner" });
    const engine = await app.background("hook");
    const opened = await engine.transact((ctx) =>
      openHookSession(ctx, { client: "claude-code", conversation: "one", process: CLIENT }),
    );
    const agent = opened?.agents[0] ?? "";
    const notes = (origin = ORIGIN) =>
      engine.read(function* (ctx) {
        const others = yield* othersAtWork(ctx, origin, readWorkplace(cwd));
        return { ...(yield* sessionNotes(ctx, origin, readWorkplace(cwd))), others };
      });
    expect(startNote(await notes(), undefined)).toBeUndefined();

    const plan = { name: "two", steps: ["first", "second"].map((key) => ({ key, prompt: `Do the ${key} thing.` })) };
    const { run } = await call("execute_workflow", { definition: plan });
    expect(startNote(await notes(), undefined)).toMatch(/: 2 tasks are ready \(claim_task\)\.$/);
    expect(workLeft(await notes())).toBeUndefined();

    const claimed = await call("claim_task", { run: run.id, agent });
    const held = await notes();
    const [task] = held.tasks;
    if (task === undefined || claimed.lease === undefined) throw new Error("nothing is held");
    const brief = await engine.read((ctx) => heldBrief(ctx, task));
    expect(brief?.spec.prompt).toBe("Do the first thing.");
    const said = startNote(held, "THE BRIEF");
    expect(said).toContain(`holds task first (${task.id}), "first", as ${agent}, token ${claimed.lease.token}`);
    expect(said).toMatch(/\n\nTHE BRIEF$/);
    expect(workLeft(held)).toMatch(/^This session still holds task first /);
    // An id alone, which any process can write, is told no token.
    const other = { pid: 12, processStartedAt: 1 };
    const { tasks: byId } = await notes({ ...ORIGIN, ancestors: [other], process: other });
    expect(byId.map(({ token }) => token)).toEqual([undefined]);

    await call("complete_task", { task: task.id, token: claimed.lease.token, agent });
    expect(workLeft(await notes())).toMatch(/^One more task of a run that this session has worked on/);
  });

  test("say who else is at work in the project with what they hold, and nothing of the session's own", async () => {
    const cwd = realpathSync(temporaryDirectory());
    mkdirSync(path.join(cwd, ".git"));
    const { app, call } = await startAppOn(backend, { sessionless: true, cwd, agent: "planner" });
    const engine = await app.background("hook");
    const opened = await engine.transact((ctx) =>
      openHookSession(ctx, { client: "claude-code", conversation: "one", process: CLIENT }),
    );
    const note = () =>
      engine.read(function* (ctx) {
        const others = yield* othersAtWork(ctx, ORIGIN, readWorkplace(cwd));
        return startNote({ ...(yield* sessionNotes(ctx, ORIGIN, readWorkplace(cwd))), others }, undefined);
      });
    await call("acquire_file_lock", { agent: opened?.agents[0] ?? "", paths: ["own.ts"] });
    expect(await note()).toMatch(/^Files locked by this session without a task: own\.ts until \S+Z\.$/);
    const paths = Array.from({ length: 7 }, (_, at) => `src/${at}.ts`);
    await call("acquire_file_lock", { agent: "zoe", paths });
    await call("create_task", { title: "Fix login", prompt: "Fix it." });
    const { task } = await call("claim_task", { agent: "ann" });
    expect(await note()).toContain(
      ` Also at work here: zoe holds src/0.ts, src/1.ts, src/2.ts, src/3.ts, src/4.ts, 2 more files; ann holds task ${task?.key}.`,
    );
    await call("release_file_lock", { agent: "zoe", all: true });
    expect(await note()).not.toContain("zoe");
  });
});
