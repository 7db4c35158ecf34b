import { expect, test } from "vitest";
import { startCommandLineFixture, withSecret } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

test("baton send writes to an agent and baton messages shows each message once, without its control characters", async () => {
  const ann = startCommandLineFixture();
  const ben = { ...ann, env: { ...ann.env, BATON_AGENT: "ben" } };
  expect((await baton(ben, ["messages"])).stdout).toBe("No message is unread.\n");
  const sent = (await batonJson(ann, [
    "send",
    "ben",
    "Deploy?\nNow.\u001b[2J",
    "--type",
    "question",
    "--subject",
    "Today",
  ])) as {
    message: { id: string };
  };
  expect((await baton(ann, ["messages", "--agent", "ben"])).stdout).toContain("Deploy?");
  const { stdout } = await baton(ben, ["messages"]);
  expect(stdout).toMatch(
    /^anna to ben, (?:just now|\d+ s ago) \(question; message_\w+\): Today\n {2}Deploy\?\n {2}Now\./,
  );
  expect(stdout).not.toContain("\u001b");
  expect((await baton(ben, ["messages"])).stdout).toBe("No message is unread.\n");
  await baton(ben, ["send", "anna", "Yes.", "--reply-to", sent.message.id]);
  expect(await batonJson(ann, ["messages", "--all"])).toMatchObject({
    messages: [{ from: "ben", type: "answer", body: "Yes." }],
  });
  // Messages to a person are for the one who sits at a terminal, whatever their handle; an agent's shell is not shown them.
  await baton(ben, ["send", "human", "May I?"]);
  expect((await baton(ann, ["messages"])).stdout).not.toContain("May I?");
  expect(await batonJson(withSecret(ann), ["call", "read_messages"])).toMatchObject({ unread: 1 });
  expect((await baton(withSecret(ann), ["messages"])).stdout).toContain("ben to human");
  expect((await baton(withSecret(ann), ["messages"])).stdout).toBe("No message is unread.\n");
  const refused = await baton(ann, ["send", "bem", "x"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('There is no agent "bem"');
});
