import { expect, test } from "vitest";
import { startCommandLineFixture, withSecret } from "../support/servers/command-line.js";
import { resultOf } from "../support/servers/result-of.js";
import { baton, batonJson } from "../support/servers/in-process.js";

test("baton escalations lists a question, baton approve decides it under a condition, and once", async () => {
  const ann = startCommandLineFixture();
  const person = withSecret(ann);
  expect((await baton(ann, ["escalations"])).stdout).toBe("There are none.\n");
  const details = "line 14\n\u001b[2Jtoken=…";
  const ask = ["call", "escalate", "--type", "security_review", "--title", "Tokens are logged", "--details", details];
  const { escalation } = (await batonJson({ ...ann, env: { ...ann.env, BATON_AGENT: "ben" } }, ask)) as {
    escalation: { id: string };
  };
  const { stdout } = await baton(ann, ["escalations", "--tier", "agent"]);
  expect(stdout).toMatch(/^\? security_review of ben: Tokens are logged\n {4}line 14\n/);
  expect(stdout).toContain(`baton approve ${escalation.id}`);
  expect(stdout).not.toContain("\u001b");
  const approve = ["approve", escalation.id, "--condition", "mask them"];
  expect(await batonJson(person, approve)).toMatchObject({
    escalation: { status: "approved_with_conditions", conditions: ["mask them"] },
  });
  const decided = await baton(ann, ["escalations", "--status", "approved_with_conditions"]);
  expect(decided.stdout).toContain(`(${escalation.id}): mask them`);
  const again = await baton(person, ["call", "decide_escalation", "--id", escalation.id, "--decision", "rejected"]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("decided approved_with_conditions");
  for (const late of ["approve", "reject"]) {
    const { code, stderr } = await baton(person, [late, escalation.id]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("decided approved_with_conditions")]);
  }
  expect((await baton(person, ["approve", "escalation_none"])).stderr).toContain("No question is open for");
});

test("a program that calls baton decides no escalation under the user's name, but as an agent that it names", async () => {
  const ann = startCommandLineFixture();
  const ask = ["call", "escalate", "--type", "quality_concern", "--title", "Good enough?"];
  const { escalation } = (await batonJson({ ...ann, env: { ...ann.env, BATON_AGENT: "ben" } }, ask)) as {
    escalation: { id: string };
  };
  const refused = await baton(ann, ["approve", escalation.id]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("for a person, or for an agent that names its handle");
  expect(await batonJson(ann, ["escalations"])).toMatchObject({ escalations: [{ status: "open" }] });
  const named = ["call", "decide_escalation", "--id", escalation.id, "--decision", "approved", "--agent", "zoe"];
  expect(await batonJson(ann, named)).toMatchObject({ escalation: { status: "approved", decided_by: "zoe" } });
});

test("baton approve --amount raises the budget that is asked for, and nothing else", async () => {
  const ann = startCommandLineFixture();
  const person = withSecret(ann);
  const ben = { ...ann, env: { ...ann.env, BATON_AGENT: "ben" } };
  const definition = JSON.stringify({ name: "w", steps: [{ key: "a", prompt: "a" }] });
  const started = await batonJson(ben, ["call", "execute_workflow", "--definition", definition, "--budget", "2"]);
  const run = resultOf("execute_workflow", started).run.id;
  const ask = ["call", "escalate", "--title", "More?", "--type"];
  const asked = resultOf("escalate", await batonJson(ben, [...ask, "budget_override", "--run", run])).escalation.id;
  const other = resultOf("escalate", await batonJson(ben, [...ask, "quality_concern"])).escalation.id;
  expect((await baton(person, ["approve", asked, "--amount", "0"])).stderr).toContain("an amount above 0");
  expect((await baton(person, ["approve", "--amount", "3"])).stderr).toContain("baton approve ID --amount N");
  expect((await baton(person, ["approve", other, "--amount", "3"])).stderr).toContain("Nothing was decided");
  const { stdout } = await baton(person, ["approve", asked, "--amount", "3.5"]);
  expect(stdout).toContain(`${asked} approved, the limit is 5.5 US$ now`);
  expect(await batonJson(ann, ["call", "check_budget", "--run", run])).toMatchObject({ budget: { limit: 5.5 } });
});

test("baton escalations lists an approval that waits for a person, and baton approve decides it", async () => {
  const ann = startCommandLineFixture();
  const person = withSecret(ann);
  const ben = { ...ann, env: { ...ann.env, BATON_AGENT: "ben" } };
  await batonJson(ben, ["call", "put_artifact", "--name", "plan.md", "--content", "# One"]);
  const request = ["call", "request_approval", "--artifact", "plan.md", "--approver_role", "human"];
  const asked = (await batonJson(ben, [...request, "--reason", "may it\u001b[2J go out?"])) as {
    approval: { id: string };
  };
  const { approval } = asked;
  const { stdout } = await baton(ann, ["escalations"]);
  expect(stdout).toMatch(/^\? approval of ben: Approve plan\.md version 1 as human\?\n {4}may it/);
  expect(stdout).toContain(`baton approve ${approval.id}`);
  expect(stdout).not.toContain("\u001b");
  const refused = await baton(ann, ["approve", approval.id]);
  expect(refused.code).toBe(1);
  expect(await batonJson(person, ["approve", approval.id, "--condition", "soon"])).toMatchObject({
    escalation: { id: approval.id, status: "approved_with_conditions", conditions: ["soon"] },
  });
  expect((await baton(ann, ["escalations"])).stdout).toBe("There are none.\n");
  const { approval: second } = (await batonJson(ben, request)) as typeof asked;
  await batonJson(ben, ["call", "put_artifact", "--name", "plan.md", "--content", "# Two"]);
  expect((await baton(person, ["approve", second.id])).stderr).toContain("is void");
});

test.each([
  [{}, "rejected"],
  [{ default_decision: "approve" }, "approved"],
])("baton escalations tells when a human step with %j is %s without an answer", async (more, counts) => {
  const ann = startCommandLineFixture();
  const step = { key: "ask", kind: "human", ask: "Ship?", timeouts: { schedule_to_close: "3d" }, ...more };
  const definition = JSON.stringify({ name: "w", steps: [step] });
  await batonJson(ann, ["call", "execute_workflow", "--definition", definition]);
  expect((await baton(ann, ["escalations"])).stdout).toMatch(new RegExp(`${counts} without an answer by \\d{4}-`));
});
