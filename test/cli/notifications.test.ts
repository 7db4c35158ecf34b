import { expect, test } from "vitest";
import { answering, startReceiver } from "../support/receivers.js";
import { startCommandLineFixture, withSecret } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

async function configured() {
  const receiver = await startReceiver();
  const notifications = JSON.stringify({ webhooks: { ops: { url: receiver.url, secret } } });
  return { receiver, ann: startCommandLineFixture({ env: { BATON_NOTIFICATIONS: notifications } }) };
}

test("baton notifications test sends to each target now, and says which was not reached, without its address", async () => {
  const { receiver, ann } = await configured();
  expect(await baton(ann, ["notifications", "test"])).toMatchObject({ code: 0, stdout: "ops: sent\n" });
  expect(JSON.parse(receiver.posts[0]!.body)).toMatchObject({ type: "notification.test" });
  receiver.answer(answering(404));
  expect(await baton(ann, ["notifications", "test", "ops"])).toMatchObject({ code: 1, stdout: "ops: answered 404\n" });
  const unknown = await baton(ann, ["notifications", "test", "nobody"]);
  expect(unknown.stderr).toContain('There is no target "nobody" here, but ops.');
  const doctor = await baton(ann, ["doctor"]);
  expect(doctor.stdout).toMatch(/notifications\s+ops \(webhook: questions\) \(environment BATON_NOTIFICATIONS\)/);
  expect(doctor.stdout).not.toMatch(/whsec|127\.0\.0\.1/);
});

test("baton notifications send makes what is due where no server runs, and a failed one is retried and discarded there", async () => {
  const { receiver, ann } = await configured();
  const ask = ["call", "escalate", "--type", "security_review", "--title", "Stop?", "--priority", "critical"];
  await batonJson({ ...ann, env: { ...ann.env, BATON_AGENT: "ben" } }, ask);
  receiver.answer(answering(410), answering(204));
  expect((await baton(ann, ["notifications", "send"])).stdout).toBe("All is sent.\n");
  const listed = await baton(ann, ["notifications", "--status", "failed"]);
  expect(listed.stdout).toMatch(/ops +failed +1 .*answered 410\nTargets here: ops \(webhook\)\.\n$/);
  const [id = ""] = /delivery_\w+/.exec(listed.stdout) ?? [];
  expect((await baton(ann, ["notifications", "retry", id])).code).toBe(1);
  const person = withSecret(ann);
  expect((await baton(person, ["notifications", "retry", id])).stdout).toBe(`${id} is pending\n`);
  expect(await baton(ann, ["notifications", "send"])).toMatchObject({ code: 0, stdout: "All is sent.\n" });
  expect(receiver.posts).toHaveLength(2);
  expect((await baton(person, ["notifications", "discard", id])).stderr).toContain("is delivered");
});
