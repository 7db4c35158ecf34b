import { expect, test } from "vitest";
import { startCommandLineFixture, withSecret } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";

test("baton token makes, lists and revokes tokens for a person, and shows each once", async () => {
  const fixture = startCommandLineFixture();
  const create = ["token", "create", "--role", "worker", "--agent", "ann", "ben", "--expires", "30d", "--name", "ci"];
  const refused = await baton(fixture, create);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("baton token create")]);

  const person = withSecret(fixture);
  const { code, stdout } = await baton(person, create);
  const [bearer = "", , told = ""] = stdout.split("\n");
  expect([code, bearer]).toEqual([0, expect.stringMatching(/^baton_[0-9a-z]{16}_[\w-]{43}$/)]);
  expect(told).toMatch(/^This is shown once\. token_\w+ \(worker\) expires \d{4}-/);

  const listed = await baton(person, ["token"]);
  expect(listed.stdout).toMatch(/token_\w+ +ci +worker +ann, ben +until \d{4}-\d\d-\d\d +never/);
  expect(listed.stdout).not.toContain(bearer.split("_")[2]);
  const { tokens } = resultOf("list_access_tokens", await batonJson(person, ["token", "list"]));
  const revoked = await baton(person, ["token", "revoke", tokens[0]!.id]);
  expect(revoked.stdout).toBe(`${tokens[0]!.id} is revoked\n`);
  expect((await baton(person, ["token", "create"])).stderr).toContain("--role");
});
