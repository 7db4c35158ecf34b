import { describe, expect, test } from "vitest";
import { BACKENDS, createDatabase } from "../../support/databases/databases.js";
import { type Seat, sitDown } from "../../support/fixtures/release-run.js";
import { baton, startCommandLineFixture, withSecret } from "../../support/servers/command-line.js";
import { connectClient, type TestClient } from "../../support/servers/client.js";
import { until } from "../../support/until.js";

const ASKED = {
  type: "security_review",
  title: "May the tokens be logged?",
  details: "src/log.ts, line 14\n# Baton\nApproved by security.",
  priority: "critical",
} as const;

describe.each(BACKENDS)("a person's form on %s", (backend) => {
  async function newDatabase(): Promise<string> {
    return (await createDatabase(backend)).location;
  }

  /** Starts a run, and holds its first task. */
  async function atWork(client: TestClient, terms: object = {}) {
    await client.call("create_project", { name: "shop" });
    const steps = ["api", "page"].map((key) => ({ key, prompt: key }));
    const { run } = await client.call("execute_workflow", {
      project: "shop",
      definition: { name: "release", steps },
      ...terms,
    });
    const { task, lease } = await client.call("claim_task", { run: run.id, agent: "ann" });
    return { run: run.id, task: task!.id, token: lease!.token };
  }

  const stateOf = async (client: TestClient, id: string) => {
    for (const status of ["open", "approved", "approved_with_conditions", "rejected"] as const) {
      const { escalations } = await client.query("list_escalations", { status });
      const found = escalations.find((one) => one.id === id);
      if (found) return found;
    }
    throw new Error(`${id} is in no list`);
  };

  test("shows an escalation that comes to a person, and its conditions become criteria of the task that waited", async () => {
    const { client, person } = await sitDown({ database: await newDatabase() });
    const { run, task, token } = await atWork(client);
    const { escalation } = await client.call("escalate", { ...ASKED, agent: "ann", blocking: true, task, token });
    const shown = await person.shown();
    expect(shown.message).toContain(
      '"ann" asks for your decision (security_review) in run "release" of project "shop". A task waits for it. The question:' +
        "\n\n    May the tokens be logged?\n\n    src/log.ts, line 14\n    # Baton\n    Approved by security.\n\n",
    );
    expect(shown.message).toMatch(/Without a decision by \d{4}-\d\d-\d\d \d\d:\d\d UTC it counts as rejected\./);
    expect(Object.keys(shown.fields)).toEqual(["decision", "conditions", "note"]);
    shown.fillIn({ decision: "approved", conditions: "mask them\ntell ops" });
    await until("it is decided", async () => (await stateOf(client, escalation.id)).status !== "open");
    expect(await stateOf(client, escalation.id)).toMatchObject({
      status: "approved_with_conditions",
      decided_by: "human@claude-desktop",
      conditions: ["mask them", "tell ops"],
    });
    const resumed = await client.call("claim_task", { run, agent: "cleo", wait_seconds: 20 });
    expect(resumed).toMatchObject({ task: { id: task } });
    expect(JSON.stringify(resumed)).toContain("mask them");
    const { events } = await client.query("list_events", { run, types: ["escalation.asked"] });
    expect(events).toMatchObject([{ data: { escalation: escalation.id, client: "Claude Desktop" } }]);
  });

  test("asks for an approval that is a person's, which its author cannot decide while the form is open", async () => {
    const { client, person } = await sitDown({ database: await newDatabase() });
    const { run, task } = await atWork(client);
    const put = { agent: "ann", task, name: "design.md", content: "# One" };
    const { artifact } = await client.perform("put_artifact", put);
    const request = { agent: "ann", task, artifact: "design.md", approver_role: "human", reason: "may it go out?" };
    const { approval } = await client.perform("request_approval", request);
    const shown = await person.shown();
    expect(shown.message).toContain('"ann" asks for your approval of "design.md version 1" in run "release"');
    expect(shown.message).toContain(`Read it first: baton artifacts get ${artifact.id}\n\nThe reason:\n\n    may it`);
    expect(shown.fields["decision"]).toMatchObject({ enum: ["approved", "approved_with_conditions", "rejected"] });
    const human = "human@claude-desktop";
    for (const agent of ["ann", "zoe", "human", human]) {
      const decision = { decision: "approved" as const, agent };
      const refused = { code: "not_permitted" };
      const approving = client.perform("decide_approval", { approval: approval.id, ...decision });
      await expect(approving).rejects.toMatchObject(refused);
      const deciding = client.perform("decide_escalation", { id: approval.id, ...decision });
      await expect(deciding).rejects.toMatchObject(refused);
    }
    shown.fillIn({ decision: "approved_with_conditions", conditions: "name the owner" });
    const decided = await until("it is decided", async () => {
      const { approvals } = await client.query("get_supervision", { project: "shop" });
      return approvals.find(({ status }) => status !== "open");
    });
    expect(decided).toMatchObject({ id: approval.id, status: "approved_with_conditions", decided_by: human });
    const { events } = await client.query("list_events", { run, types: ["approval.decided"] });
    expect(events).toMatchObject([{ agent: human, data: { channel: "human" } }]);
  });

  test("asks to raise a spent budget, again where the amount is too small, and claims go on", async () => {
    const { client, person } = await sitDown({ database: await newDatabase() });
    const { run, task, token } = await atWork(client, { budget: 1 });
    await client.call("complete_task", { agent: "ann", task, token, usage: { cost: 5 } });
    const claim = client.call("claim_task", { run, agent: "ben", wait_seconds: 40 });
    const shown = await person.shown();
    expect(shown.message).toContain(
      `Baton asks for your decision (budget_override) in run "release" of project "shop". The question:\n\n` +
        `    Raise the budget of run ${run}? 5 of 1 US$ are spent`,
    );
    expect(shown.message).not.toContain("not Baton's");
    expect(Object.keys(shown.fields)).toEqual(["decision", "amount", "conditions", "note"]);
    shown.fillIn({ decision: "approved", amount: 2 });
    const again = await person.shown(2);
    expect(again.message).toMatch(/^Refused: amount: the budget would stay blocked; from 4\.000001 US\$ on, it is not/);
    expect(again.fields["amount"]).toMatchObject({ default: 2 });
    again.fillIn({ decision: "approved", amount: "plenty" });
    const last = await person.shown(3);
    expect(last.message).toMatch(/^Refused: .*amount/);
    last.fillIn({ decision: "approved", amount: 10 });
    expect(await claim).toMatchObject({ outcome: "claimed", task: { key: "page" } });
    const { events } = await client.query("list_events", { run, types: ["run.budget_set"] });
    expect(events).toMatchObject([{ agent: "human@claude-desktop", data: { budget: { limit: 11, spent: 5 } } }]);
  });

  test("is taken back where a terminal decides first, and an answer to it then is none", async () => {
    const database = await newDatabase();
    const { client, person } = await sitDown({ database });
    const { run } = await atWork(client);
    const { escalation } = await client.call("escalate", { ...ASKED, agent: "ann", run });
    const shown = await person.shown();
    const terminal = withSecret(startCommandLineFixture({ database }));
    expect(await baton(terminal, ["approve", escalation.id, "--condition", "mask them"])).toMatchObject({ code: 0 });
    await until("the form is gone", () => shown.takenBack);
    shown.fillIn({ decision: "rejected" });
    expect(await stateOf(client, escalation.id)).toMatchObject({ conditions: ["mask them"] });
    // The client is asked the next question.
    await client.call("escalate", { ...ASKED, agent: "ann", run, title: "And now?" });
    expect((await person.shown(2)).message).toContain("And now?");
  });

  test.each(["decline", "cancel", "close"] as const)(
    "that ends with %s is not shown there again, and is by another client, once",
    async (end) => {
      const database = await newDatabase();
      const first = await sitDown({ database });
      const other = await sitDown({ database, clientName: "cursor" });
      const { run } = await atWork(first.client);
      const { escalation } = await first.client.call("escalate", { ...ASKED, agent: "ann", run });
      const shown = await first.person.shown();
      const waiting = waits(other, run);
      if (end === "close") await first.client.close();
      else shown.refuse(end);
      (await other.person.shown()).fillIn({ decision: "rejected", note: "no" });
      await waiting;
      expect(await stateOf(other.client, escalation.id)).toMatchObject({ decided_by: "human@cursor", note: "no" });
      expect([first.person.forms.length, other.person.forms.length]).toEqual([1, 1]);
    },
  );

  test("is not shown where a client has none, and nothing is sent to it", async () => {
    const client = await connectClient({ database: await newDatabase() });
    const sent: unknown[] = [];
    client.server.onMessage((message) => "method" in message && sent.push(message));
    const { run } = await atWork(client);
    const { escalation } = await client.call("escalate", { ...ASKED, agent: "ann", run });
    await client.call("claim_task", { run, agent: "ben", wait_seconds: 0.3 });
    expect(await stateOf(client, escalation.id)).toMatchObject({ status: "open" });
    expect(sent).toEqual([]);
  });

  function waits({ client }: Seat, run: string) {
    return client.call("wait_for", { run, agent: "ann", kinds: ["decision"], timeout_seconds: 40 });
  }
});
