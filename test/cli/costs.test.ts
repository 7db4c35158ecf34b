import { expect, test } from "vitest";
import { startCommandLineFixture } from "../support/servers/command-line.js";
import { baton, batonJson } from "../support/servers/in-process.js";

test("baton costs shows what was spent by model, agent and the like, with the total and what has no price", async () => {
  const place = startCommandLineFixture();
  expect((await baton(place, ["costs"])).stdout).toBe("No use of a model was reported.\n");
  const report = (usage: Record<string, string | number>) =>
    batonJson(place, [
      "call",
      "record_usage",
      ...Object.entries(usage).flatMap(([key, value]) => [`--${key}`, `${value}`]),
    ]);
  await report({ model: "claude-sonnet-4-5", input_tokens: 100_000, output_tokens: 10_000, agent: "ann" });
  await report({ model: "nonesuch", input_tokens: 7, agent: "ben" });
  const { stdout } = await baton(place, ["costs"]);
  expect(stdout).toMatch(/MODEL +US\$ +INPUT +CACHED +OUTPUT/);
  expect(stdout).toMatch(/claude-sonnet-4-5 +0\.4500 +100000 +0 +10000/);
  expect(stdout).toMatch(/total +0\.4500 +100007/);
  expect(stdout).toContain("1 report is of a model without a known price");
  expect((await baton(place, ["costs", "--by", "agent"])).stdout).toMatch(/ann +0\.4500/);
});
