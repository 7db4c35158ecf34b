import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";
import { resultOf } from "../support/servers/result-of.js";

test("baton brief sums up a run or one of its steps, within a number of tokens", async () => {
  const fixture = startCommandLineFixture();
  const plan =
    "name: pages\nsteps: [{ key: home, prompt: Write it. }, { key: about, prompt: Then this., needs: [home] }]\n";
  writeFileSync(path.join(fixture.cwd, "pages.yaml"), plan);
  await baton(fixture, ["run", "pages.yaml", "--detach"]);
  expect((await baton(fixture, ["brief"])).stdout).toMatch(/- Run "pages" [^]*- home: ready\n- about: pending\n/);
  expect((await baton(fixture, ["brief", "pages", "about"])).stdout).toContain("- Needs home (ready)");
  const { tokens } = resultOf("get_brief", await batonJson(fixture, ["brief", "pages", "--tokens", "200"]));
  expect(tokens).toBeLessThanOrEqual(200);
  expect(await baton(fixture, ["brief", "pages", "abuot"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"about"'),
  });
});
