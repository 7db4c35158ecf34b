import { describe, expect, test } from "vitest";
import type { CallerAccess } from "../../src/engine/context.js";
import { type TestApp, startApp, startAppOn } from "../support/servers/app.js";
import { BACKENDS } from "../support/databases/databases.js";

/** Calls over the network with these rights. */
async function remote({ app }: TestApp, access: Partial<CallerAccess> & Pick<CallerAccess, "role">) {
  const dispatch = await app.remoteDispatch("client", { id: "token_x", name: "x", agents: null, ...access });
  return async (name: string, input: Record<string, unknown> = {}) => (await dispatch.call(name, input)).result;
}

describe.each(BACKENDS)("access tokens on %s", (backend) => {
  test("are made by a person, shown once, listed without their secret, and revoked", async () => {
    const { call, clock } = await startAppOn(backend, { channel: "human" });
    const made = await call("create_access_token", { role: "worker", agents: ["ann"], expires: "30d" });
    expect(made.bearer).toMatch(/^baton_[0-9a-z]{16}_[\w-]{43}$/);
    expect(made.token).toMatchObject({ name: "ann", role: "worker", agents: ["ann"], status: "active" });
    expect(Date.parse(made.token.expires_at!)).toBe(clock.now() + 30 * 86_400_000);
    const { tokens } = await call("list_access_tokens", {});
    expect(tokens).toEqual([made.token]);
    const secret = made.bearer!.split("_")[2]!;
    const { events } = await call("list_events", { types: ["access.granted"] });
    expect(events).toMatchObject([{ data: { access: made.token.id, role: "worker" } }]);
    expect(JSON.stringify([tokens, events])).not.toContain(secret);
    for (let n = 0; n < 2; n++) {
      const { token } = await call("revoke_access_token", { id: made.token.id });
      expect(token.status).toBe("revoked");
    }
    expect((await call("list_events", { types: ["access.revoked"] })).events).toHaveLength(1);
    await expect(call("revoke_access_token", { id: "token_none" })).rejects.toMatchObject({ code: "not_found" });
  });

  test("are made once under a request id, which keeps no secret", async () => {
    const { call } = await startAppOn(backend, { channel: "human" });
    const create = () => call("create_access_token", { role: "reviewer", request_id: "r" });
    const [first, again] = [await create(), await create()];
    expect([again.token, again.bearer]).toEqual([first.token, undefined]);
    expect((await call("list_access_tokens", {})).tokens).toHaveLength(1);
  });
});

describe("access tokens", () => {
  test("live for ninety days unless it is said otherwise, and say when they are over", async () => {
    const { call, advance } = await startApp({ channel: "human" });
    await call("create_access_token", { role: "worker" });
    await call("create_access_token", { role: "admin", expires: "never" });
    await advance(90 * 86_400_000);
    const { tokens } = await call("list_access_tokens", {});
    expect(tokens.map(({ status }) => status)).toEqual(["expired", "active"]);
  });

  test.each([
    [{ role: "human", agents: ["ann"] }, "for a person, not for agents"],
    [{ role: "worker", agents: ["human"] }, "cannot be an agent's name"],
    [{ role: "worker", expires: "soon" }, "is not a duration"],
    [{ role: "worker", name: "a b" }, "cannot name a token"],
  ])("are refused for %j", async (input, says) => {
    const { callUnchecked } = await startApp({ channel: "human" });
    await expect(callUnchecked("create_access_token", input)).rejects.toThrow(says);
  });

  test("are for persons and admins to make, those of a person for persons alone", async () => {
    const app = await startApp();
    await expect(app.call("create_access_token", { role: "worker" })).rejects.toThrow("baton token create");
    const admin = await remote(app, { role: "admin" });
    expect(await admin("create_access_token", { role: "worker" })).toMatchObject({ token: { role: "worker" } });
    await expect(admin("create_access_token", { role: "human" })).rejects.toMatchObject({
      code: "not_permitted",
      details: { permitted: ["human"], role: "admin" },
    });
  });
});

describe("a caller over the network", () => {
  test("calls what its role may, and is told who may call the rest", async () => {
    const app = await startApp();
    const [worker, planner, lead] = [
      await remote(app, { role: "worker" }),
      await remote(app, { role: "planner" }),
      await remote(app, { role: "lead" }),
    ];
    const { task } = (await worker("create_task", { title: "t", prompt: "p" })) as { task: { id: string } };
    await expect(worker("cancel_task", { task: task.id })).rejects.toMatchObject({
      code: "not_permitted",
      details: { permitted: ["planner", "lead", "architect", "human", "admin"], role: "worker" },
    });
    await expect(planner("configure", { settings: { lease_ms: 60_000 } })).rejects.toThrow("role of this token");
    await lead("configure", { settings: { lease_ms: 60_000 } });
    await planner("cancel_task", { task: task.id });
  });

  test("acts as the agents of its token alone, whichever way it names them", async () => {
    const app = await startApp();
    const ann = await remote(app, { role: "worker", agents: ["ann", "ben"] });
    const carl = await remote(app, { role: "worker", agents: ["carl"] });
    await ann("create_task", { title: "t", prompt: "p", project: undefined });
    const claimed = (await ann("claim_task", { agent: "ben" })) as { task: { id: string }; lease: { token: number } };
    const held = { task: claimed.task.id, token: claimed.lease.token };
    for (const [name, input] of [
      ["claim_task", { agent: "ben" }],
      ["call_operation", { name: "claim_task", arguments: { agent: "ben" } }],
      ["unregister_agent", { agent: "ben" }],
      ["register_agent", { name: "dora" }],
      ["give_feedback", { by: "ben", agent: "ann", score: 1 }],
      ["complete_task", { ...held, result: {} }],
      ["complete_task", { ...held, result: {}, agent: "ben" }],
      ["report_progress", held],
    ] as const)
      await expect(carl(name, input)).rejects.toMatchObject({ code: "not_permitted" });
    expect(await ann("complete_task", { ...held, result: {}, agent: "ben" })).toMatchObject({
      task: { status: "succeeded" },
    });
    expect(await ann("send_message", { to: "all", body: "hello" })).toMatchObject({ message: { from: "ann" } });
  });

  test("is no lead by what its agent registers, where its token is not a lead's", async () => {
    const app = await startApp();
    const ann = await remote(app, { role: "worker", agents: ["ann"] });
    const lea = await remote(app, { role: "lead", agents: ["lea"] });
    for (const [call, name] of [
      [ann, "ann"],
      [lea, "lea"],
    ] as const)
      await call("register_agent", { name, roles: ["lead"] });
    const { escalation } = (await app.callUnchecked("escalate", {
      type: "error_resolution",
      title: "Which?",
      agent: "zoe",
    })) as { escalation: { id: string } };
    await app.advance(6 * 60_000);
    const decide = { id: escalation.id, decision: "approved" };
    await expect(ann("decide_escalation", { ...decide, agent: "ann" })).rejects.toThrow("not that of a lead");
    await lea("decide_escalation", { ...decide, agent: "lea" });
  });

  test("decides as a person with a person's token, which the history names", async () => {
    const app = await startApp();
    const { run } = await app.call("execute_workflow", {
      definition: { name: "ask", steps: [{ key: "ask", kind: "human", ask: "Go?" }] },
      wait_seconds: 0,
    });
    const { escalations } = await app.call("list_escalations", { run: run.id });
    const decide = { id: escalations[0]!.id, decision: "approved" };
    const admin = await remote(app, { role: "admin" });
    await expect(admin("decide_escalation", decide)).rejects.toMatchObject({ code: "not_permitted" });
    const person = await remote(app, { role: "human", name: "anna", id: "token_anna" });
    await person("decide_escalation", decide);
    const { events } = await app.call("list_events", { run: run.id, types: ["task.decided"] });
    expect(events).toMatchObject([{ agent: "anna", data: { channel: "human", access: "token_anna" } }]);
  });
});
