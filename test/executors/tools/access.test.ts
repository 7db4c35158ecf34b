import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../../src/config.js";
import { startApp } from "../../support/servers/app.js";
import { temporaryDirectory, ownRuntime } from "../../support/databases/databases.js";
import { call, everything, odd, openToolFixture } from "../../support/fixtures/tool-fixture.js";
import { until } from "../../support/until.js";

describe("a tool is called by", () => {
  test("is given by a server's configuration only: the step waits, and every answer says why", async () => {
    const fixture = await openToolFixture({});
    const { run, warnings } = await fixture.start([call("a: everything/echo", { message: "x" })]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^1 tool steps wait: no running server has the MCP server "everything" .* none is configured/,
      ),
    ]);
    expect(await fixture.reasons(run)).toMatchObject([{ kind: "server_not_configured" }]);
    expect(await fixture.app.call("claim_task", { agent: "ann", run })).toMatchObject({ outcome: "none" });
    const health = await fixture.app.call("get_health_status");
    expect(health.components).toContainEqual(
      expect.objectContaining({
        name: "tools",
        status: "degraded",
        reason: expect.stringContaining('the MCP server "everything"'),
      }),
    );
    // A server with access takes it over, whichever process started the run.
    const runtime = ownRuntime();
    const other = await openToolFixture(
      { everything },
      { database: fixture.app.database, runtime, project: "elsewhere" },
    );
    expect(await other.ended(run)).toBe("succeeded");
  });

  test("a server that has it, and those of its tools that are allowed", async () => {
    const fixture = await openToolFixture({ everything: { ...everything, tools: ["get-*", "echo"] } });
    const { run, warnings } = await fixture.start([
      call("echo: everything/echo", { message: "x" }),
      call("sum: everything/get-sum", { a: 1, b: 2 }),
      call("logging: everything/toggle-simulated-logging"),
      call("slip: evrything/echo"),
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^2 tool steps wait: "toggle-simulated-logging" is not among .*; no running server has .*"evrything"/,
      ),
    ]);
    await until("both are done", async () => {
      const tasks = [await fixture.task(run, "echo"), await fixture.task(run, "sum")];
      return tasks.every(({ task }) => task.status === "succeeded");
    });
    expect(await fixture.reasons(run, "logging")).toMatchObject([
      { kind: "tool_not_allowed", detail: expect.stringContaining("allows: get-*, echo") },
    ]);
    expect(await fixture.reasons(run, "slip")).toMatchObject([
      { kind: "server_not_configured", detail: expect.stringContaining('did you mean "everything"?') },
    ]);
  });

  test("servers that run commands are not thereby servers that call tools, nor the other way round", async () => {
    const fixture = await openToolFixture({ odd: odd("chatty").server });
    const { run, warnings } = await fixture.start([{ key: "a", kind: "command", run: "true" }]);
    expect(warnings).toEqual([expect.stringContaining("no running server is allowed to run commands")]);
    expect(await fixture.reasons(run)).toMatchObject([{ kind: "commands_not_allowed" }]);
  });

  test("no tool and no file of a project adds a server", async () => {
    const app = await startApp();
    const setting = { settings: { mcpServers: { x: { command: "x" } } } };
    await expect(app.call("configure", setting)).rejects.toMatchObject({ code: "invalid_input" });
    const cwd = temporaryDirectory();
    writeFileSync(path.join(cwd, "baton.json"), JSON.stringify({ mcpServers: { x: { command: "x" } } }));
    expect(() => loadConfig({ flags: {}, env: {}, cwd })).toThrow("beyond this repository");
  });

  test("servers whose addresses, arguments and secrets no other agent is shown", async () => {
    const secrets = { API_KEY: "hunter-2-of-the-night" };
    const web = { url: "https://example.com/hidden-path", headers: { "X-Key": "another-secret" } };
    const { server } = odd("chatty", secrets);
    const fixture = await openToolFixture({ odd: server, web });
    const { run } = await fixture.start([call("a: odd/do")]);
    expect(await fixture.ended(run)).toBe("succeeded");
    const told = await Promise.all([
      fixture.app.call("get_system_status"),
      fixture.app.call("get_configuration"),
      fixture.app.call("get_health_status"),
      fixture.app.call("get_run", { run, include: ["tasks"] }),
      fixture.app.call("list_events", { run }),
    ]);
    expect(JSON.stringify(told)).not.toMatch(/hunter-2|another-secret|hidden-path|odd-server/);
  });
});
