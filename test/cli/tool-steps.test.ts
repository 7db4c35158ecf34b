import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { baton, batonJson, startCommandLineFixture } from "../support/servers/command-line.js";
import { call, everything } from "../support/fixtures/tool-fixture.js";

const plan = (...steps: object[]) => JSON.stringify({ name: "tools", steps });
const sum = call("sum: everything/get-sum", { a: 2, b: 3 });

function place() {
  const fixture = startCommandLineFixture();
  const file = path.join(fixture.cwd, "servers.json");
  writeFileSync(file, JSON.stringify({ mcpServers: { everything: { ...everything, tools: ["get-sum"] } } }));
  return { fixture, config: ["--mcp-config", file] };
}

test("baton run calls the tools of the servers in a client's file", async () => {
  const { fixture, config } = place();
  const { code, stdout } = await baton(fixture, ["run", "-", ...config], plan(sum));
  expect(stdout).toMatch(/tools succeeded/);
  expect(code).toBe(0);
});

test("resuming a run that another process started may call its tools", async () => {
  const { fixture, config } = place();
  writeFileSync(path.join(fixture.cwd, "plan.json"), plan(sum));
  const { run } = (await batonJson(fixture, ["run", "plan.json", "--detach"])) as { run: { id: string } };
  expect((await baton(fixture, ["run", run.id, ...config])).code).toBe(0);
});

test("without such a server the run says what is missing, and doctor what there is", async () => {
  const { fixture } = place();
  const { code, stdout, stderr } = await baton(fixture, ["run", "-", "--timeout", "2"], plan(sum));
  expect(code).toBe(4);
  expect(stdout + stderr).toMatch(/1 tool steps wait: no running server has the MCP server "everything"/);
  const servers = { ...fixture, env: { ...fixture.env, BATON_MCP_SERVERS: JSON.stringify({ everything }) } };
  expect((await baton(servers, ["doctor"])).stdout).toMatch(/tool steps may call everything/);
});

test("a file without servers keeps it from starting, with a sentence", async () => {
  const { fixture } = place();
  writeFileSync(path.join(fixture.cwd, "none.json"), "{}");
  const { code, stderr } = await baton(fixture, ["run", "-", "--mcp-config", "none.json"], plan(sum));
  expect(code).toBe(2);
  expect(stderr).toMatch(/none\.json has no "mcpServers"/);
});
