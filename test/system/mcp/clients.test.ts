import { spawnSync } from "node:child_process";
import path from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../support/databases/databases.js";
import { type HttpServer, startHttpServer } from "../../support/http/http-server.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { nodeOf, programsOf } from "../npm-package.js";

// Programs that people reach a server over HTTP with, as they install them.

const BRIDGE = { name: "mcp-remote", version: "0.15.1" } as const;
const INSPECTOR = { name: "@modelcontextprotocol/inspector", version: "2.12.0", program: "mcp-inspector" } as const;
/** The Inspector's oldest Node. */
const NODE_MAJOR = 22;

const bridge = programsOf(BRIDGE);
const inspector = programsOf(INSPECTOR);
const node = nodeOf(NODE_MAJOR);

/** A server that asks who calls, and a token with which an agent does. */
async function guardedServer(): Promise<{ server: HttpServer; bearer: string }> {
  const person = await personsDatabase();
  const bearer = await person.token("worker", "--agent", "ann");
  const args = ["--public-url", "https://baton.example"];
  return { server: await startHttpServer({ database: person.database, args }), bearer };
}

function environmentOf(home: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home, MCP_REMOTE_CONFIG_DIR: home };
}

test.skipIf(bridge === undefined)(
  "mcp-remote bridges a client on stdio to the address, with a token",
  async () => {
    const { server, bearer } = await guardedServer();
    const transport = new StdioClientTransport({
      command: process.execPath,
      // The variable, as its documentation has it: clients split arguments at spaces.
      args: [path.join(bridge!, BRIDGE.name), `${server.origin}/mcp`, "--header", "Authorization:${BEARER}"],
      env: { ...environmentOf(temporaryDirectory()), BEARER: `Bearer ${bearer}` },
      stderr: "ignore",
    });
    const client = new Client({ name: "bridged", version: "1" });
    onTestFinished(() => client.close());
    await client.connect(transport);
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("claim_task");
    const created = await client.callTool({ name: "create_task", arguments: { title: "t", prompt: "p" } });
    expect(created.structuredContent).toMatchObject({ task: { title: "t", from: "ann" } });
  },
  120_000,
);

const LISTED = z.object({ tools: z.array(z.object({ name: z.string() })) });
const CALLED = z.object({ structuredContent: z.object({ task: z.record(z.string(), z.unknown()) }) });

test.skipIf(inspector === undefined || node === undefined)(
  "the Inspector's command line lists and calls tools, with a token",
  async () => {
    const { server, bearer } = await guardedServer();
    const inspect = (...args: readonly string[]): unknown => {
      const program = path.join(inspector!, INSPECTOR.program);
      const shared = [
        "--cli",
        `${server.origin}/mcp`,
        "--transport",
        "http",
        "--header",
        `Authorization: Bearer ${bearer}`,
      ];
      const home = temporaryDirectory();
      const { status, stdout, stderr } = spawnSync(node!, [program, ...shared, ...args], {
        env: environmentOf(home),
        cwd: home,
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([0, expect.not.stringContaining("Error")]);
      return JSON.parse(stdout);
    };
    expect(LISTED.parse(inspect("--method", "tools/list")).tools.map(({ name }) => name)).toContain("claim_task");
    const args = ["--tool-name", "create_task", "--tool-arg", "title=t", "--tool-arg", "prompt=p"];
    expect(CALLED.parse(inspect("--method", "tools/call", ...args)).structuredContent.task).toMatchObject({
      title: "t",
      from: "ann",
    });
  },
  120_000,
);
