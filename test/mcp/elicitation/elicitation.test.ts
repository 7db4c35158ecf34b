import { describe, expect, test } from "vitest";
import { connectClient } from "../../support/servers/client.js";
import { createDatabase } from "../../support/databases/databases.js";
import { decided, LineClient, type Seat, sitDown, startRelease } from "../../support/fixtures/release-run.js";
import { bestOfFew } from "../../support/in-time.js";
import { shared } from "../../support/lifetime.js";
import { until } from "../../support/until.js";

const form = { type: "object", required: ["version"], properties: { version: { type: "string" } } };

// Which database it is matters to who asks: see elicitation-several.
async function newDatabase(): Promise<string> {
  return (await createDatabase("sqlite")).location;
}

describe("a person at a client that can show forms", () => {
  const seated = shared(async () => sitDown({ database: await newDatabase() }));
  const seat = (): Seat => ({ client: seated().client, person: seated().person.forget() });

  test("approves while a call waits, with the answers that the step asks for, and the run goes on", async () => {
    const { client, person } = seat();
    const run = await startRelease(client, { form });
    const claim = client.call("claim_task", { run, wait_seconds: 20 });
    const shown = await person.shown();
    expect(shown.message).toContain('Step "approve" of run "release" in project "shop" waits for your decision.');
    expect(shown.message).toContain("\n\n    Release it?\n\n");
    expect(shown.fields["decision"]?.["enum"]).toEqual([
      "approved",
      "approved_with_conditions",
      "rejected",
      "deferred",
    ]);
    expect(shown.required).toEqual(["decision"]);
    shown.fillIn({ decision: "approved", version: "1.2.0", note: "" });
    expect(await claim).toMatchObject({ outcome: "claimed", task: { key: "ship" } });
    expect(await decided(client, run)).toMatchObject({
      status: "succeeded",
      agent: "human@claude-desktop",
      result: { decision: "approved", answers: { version: "1.2.0" }, by: "human@claude-desktop" },
    });
    expect(person.forms).toHaveLength(1);
  });

  test("approves under conditions, which later steps read, and is asked again where they name none", async () => {
    const { client, person } = seat();
    const run = await startRelease(client, {});
    (await person.shown()).fillIn({ decision: "approved_with_conditions", conditions: "" });
    const again = await person.shown(2);
    expect(again.message).toContain("Refused: conditions: approved_with_conditions needs at least one");
    again.fillIn({ decision: "approved_with_conditions", conditions: "mask the tokens\ntell ops" });
    await until("it is decided", async () => (await decided(client, run)).status === "succeeded");
    expect(await decided(client, run)).toMatchObject({
      result: { decision: "approved_with_conditions", conditions: ["mask the tokens", "tell ops"] },
    });
  });

  test("rejects, and the step has failed with what they say", async () => {
    const { client, person } = seat();
    const run = await startRelease(client, { form });
    (await person.shown()).fillIn({ decision: "rejected", note: "not on a Friday" });
    await until("it is decided", async () => (await decided(client, run)).status === "dead_letter");
    expect(await decided(client, run)).toMatchObject({
      agent: "human@claude-desktop",
      error: { type: "rejected", message: "not on a Friday" },
    });
    expect(await client.call("get_run", { run })).toMatchObject({ run: { status: "failed" } });
  });

  test("is asked again, with what they have filled in, where that does not fit", async () => {
    const { client, person } = seat();
    const run = await startRelease(client, { form });
    (await person.shown(1)).fillIn({ decision: "approved", version: " ", note: "fine" });
    const again = await person.shown(2);
    expect(again.message).toMatch(/^Refused: .*answers\.version: is required/);
    expect(again.fields["note"]?.["default"]).toBe("fine");
    again.fillIn({ decision: "approved", version: "2" });
    await until("it is decided", async () => (await decided(client, run)).status === "succeeded");
    expect((await decided(client, run)).result).toMatchObject({ answers: { version: "2" } });
  });

  test("is asked about a run within one that a call has to do with, and about one question after the other", async () => {
    const { client, person } = seat();
    const steps = ["first", "second"].map((key) => ({ key, kind: "human", ask: `The ${key}?` }));
    await client.call("create_project", { name: "shop" });
    await client.call("create_workflow", { project: "shop", name: "inner", definition: { steps } });
    const definition = { name: "outer", steps: [{ key: "call", kind: "workflow", workflow: "inner" }] };
    const started = client.call("execute_workflow", { project: "shop", definition, wait_seconds: 30 });
    const first = await person.shown(1);
    expect(first.message).toContain("    The first?");
    expect(person.forms).toHaveLength(1);
    first.fillIn({ decision: "approved" });
    const second = await person.shown(2);
    expect(second.message).toContain("    The second?");
    second.fillIn({ decision: "approved" });
    expect(await started).toMatchObject({ run: { status: "succeeded" } });
  });

  test("is left alone with what they put off, and with what stood before them too long, until later", async () => {
    const env = { BATON_ELICITATION_TIMEOUT_MS: "1000", BATON_ELICITATION_AGAIN_MS: "1500" };
    const { client, person } = await sitDown({ database: await newDatabase(), env });
    const run = await startRelease(client);
    const elicitations = async () => {
      const { events } = await client.query("list_events", { run, types: ["task.asked", "task.deferred"] });
      return events.map(({ type }) => type.slice("task.".length)).join(" ");
    };
    const first = await person.shown(1);
    await until("its time is over", () => first.takenBack);
    // The question is still open without an answer. A slow person may be too late for the next form as well.
    let from = 0;
    let answered = 1;
    await until("it is asked again, and put off", async () => {
      await client.call("get_run", { run });
      if (person.forms.length > answered) {
        answered = person.forms.length;
        from = performance.now();
        person.forms.at(-1)?.fillIn({ decision: "deferred", note: "after lunch" });
      }
      return /^asked (?:asked )+deferred/.test(await elicitations());
    });
    const last = await until("it is asked once more", async () => {
      await client.call("get_run", { run });
      return person.forms[answered];
    });
    expect(performance.now() - from).toBeGreaterThan(1_400);
    last.fillIn({ decision: "approved" });
    await until("it is decided", async () => {
      await client.call("get_run", { run });
      person.forms.at(-1)?.fillIn({ decision: "approved" });
      return (await decided(client, run)).status === "succeeded";
    });
    expect(await elicitations()).toMatch(/^asked (?:asked )+deferred(?: asked)+$/);
  });

  test("a person who closes a form is not shown the next one at once, however many an assistant makes", async () => {
    const { client, person } = await sitDown({
      database: await newDatabase(),
      env: { BATON_ELICITATION_AGAIN_MS: "2000" },
    });
    const run = await startRelease(client, { for_each: [1, 2, 3], ask: "Number ${{ item }}?" });
    const first = await person.shown(1);
    const from = performance.now();
    first.refuse("cancel");
    client.call("wait_for", { run, kinds: ["run_finished"], timeout_seconds: 50 }).catch(() => {});
    const second = await person.shown(2);
    expect(performance.now() - from).toBeGreaterThan(1_900);
    second.fillIn({ decision: "approved" });
    // A person who has answered is asked the next question.
    (await person.shown(3)).fillIn({ decision: "rejected" });
  });

  test("is not asked where the person who started the server has said so, and neither who cannot be shown a form", async () => {
    const database = await newDatabase();
    const off = await sitDown({ database, env: { BATON_ELICITATION: "false" } });
    const run = await startRelease(off.client);
    const plain = await connectClient({ database });
    const sent: unknown[] = [];
    plain.server.onMessage((message) => "method" in message && sent.push(message));
    // It can be sent to a page, which is another matter.
    const lines = await new LineClient(database).connect({ elicitation: { url: {} } });
    lines.server.onMessage((message) => "method" in message && sent.push(message));
    await plain.call("get_run", { run });
    await lines.call("get_run", { run });
    const last = await sitDown({ database });
    const claim = last.client.call("claim_task", { run, wait_seconds: 20 });
    (await last.person.shown()).fillIn({ decision: "approved" });
    expect(await claim).toMatchObject({ outcome: "claimed" });
    expect(off.person.forms).toEqual([]);
    expect(sent).toEqual([]);
  });

  test("is the only one who decides: nothing that an agent can send does", async () => {
    const { client, person } = seat();
    const run = await startRelease(client);
    const shown = await person.shown();
    const { id } = await decided(client, run);
    const decision = { id, decision: "approved" };
    const tries = [{}, { agent: "human" }, { agent: "human@claude-desktop" }, { by: "human@claude-desktop" }];
    for (const more of tries) {
      const input = { name: "decide_escalation", arguments: { ...decision, ...more } };
      await expect(client.call("call_operation", input)).rejects.toMatchObject({ code: "not_permitted" });
    }
    const name = "human@claude-desktop";
    const register = { name: "register_agent", arguments: { name } };
    await expect(client.call("call_operation", register)).rejects.toMatchObject({ code: "invalid_input" });
    await expect(client.call("claim_task", { run, agent: name })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await decided(client, run)).toMatchObject({ status: "waiting" });
    shown.fillIn({ decision: "approved" });
    await until("it is decided", async () => (await decided(client, run)).status === "succeeded");
  });

  test("keeps no server from stopping, and no call from its answer", () =>
    bestOfFew(async (inTime) => {
      const { client, person } = await sitDown({ database: await newDatabase() });
      const run = await startRelease(client);
      const shown = await person.shown();
      expect(await client.call("get_run", { run })).toMatchObject({ waiting: [{ key: "approve" }] });
      const from = performance.now();
      expect(await client.close()).toEqual({ code: 0, signal: null });
      inTime(1_000, from);
      expect(shown.takenBack).toBe(true);
    }));
});

describe("a client that answers in another way", () => {
  const planner = shared(() => connectClient());

  async function asked(): Promise<{ lines: LineClient; run: string; id: string | number }> {
    const run = await startRelease(planner());
    const lines = await new LineClient(planner().server.database).connect({ elicitation: {} });
    const input = { name: "wait_for", arguments: { run, kinds: ["run_finished"], timeout_seconds: 50 } };
    await lines.send({ id: "waiting", method: "tools/call", params: input });
    const { id } = await lines.next("elicitation/create");
    return { lines, run, id: id! };
  }

  test.each([
    ["an error", { error: { code: -32_603, message: "no window" } }],
    ["an answer that is none", { result: { action: "maybe" } }],
    ["an answer without a decision", { result: { action: "accept", content: { note: "yes" } } }],
    ["an answer of another decision", { result: { action: "accept", content: { decision: "approve_all" } } }],
  ])("with %s leaves the question open, and others may ask it", async (_, answer) => {
    const { lines, run, id } = await asked();
    const other = await sitDown({ database: lines.server.database });
    const claim = other.client.call("claim_task", { run, wait_seconds: 20 });
    await lines.send({ id, ...answer });
    (await other.person.shown()).fillIn({ decision: "approved" });
    expect(await claim).toMatchObject({ outcome: "claimed" });
    expect(await lines.call("get_run", { run })).toMatchObject({ run: { status: "running" } });
  });

  test("with what is decided at another place already changes nothing, and is served on", async () => {
    const { lines, run, id } = await asked();
    const other = await sitDown({ database: lines.server.database });
    await other.client.call("control_run", { run, action: "cancel" });
    const { params } = await lines.next("notifications/cancelled");
    expect(params["requestId"]).toBe(id);
    await lines.send({ id, result: { action: "accept", content: { decision: "approved" } } });
    expect(await lines.call("get_run", { run })).toMatchObject({ run: { status: "cancelled" } });
    expect(await decided(other.client, run)).toMatchObject({ status: "cancelled" });
  });

  test("that it knows no such method is asked nothing any more", async () => {
    const { lines, run, id } = await asked();
    await lines.send({ id, error: { code: -32_601, message: "Method not found" } });
    const methods: string[] = [];
    lines.server.onMessage((message) => "method" in message && methods.push(message.method));
    const other = await sitDown({ database: lines.server.database });
    const second = await startRelease(other.client);
    await lines.call("get_run", { run: second });
    const claim = other.client.call("claim_task", { run: second, wait_seconds: 20 });
    (await other.person.shown()).fillIn({ decision: "approved" });
    expect(await claim).toMatchObject({ outcome: "claimed" });
    expect(methods).toEqual([]);
    expect(await lines.call("get_run", { run })).toMatchObject({ run: { status: "running" } });
  });
});
