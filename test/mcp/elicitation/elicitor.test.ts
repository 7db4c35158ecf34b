import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { ElicitRequestFormParams, ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { expect, test } from "vitest";
import { Elicitor } from "../../../src/mcp/elicitation/elicitor.js";
import { createServer } from "../../../src/mcp/server.js";
import { silentLogger } from "../../../src/runtime/logger.js";
import type { StorePoint } from "../../../src/store/driver/faults.js";
import { testRuntime } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startApp, type TestApp } from "../../support/servers/app.js";
import { until } from "../../support/until.js";

const ASKED = { agent: "ann", type: "security_review", title: "Logged?", priority: "critical" } as const;

async function escalated(app: TestApp) {
  await app.call("create_project", { name: "demo", root: app.cwd });
  const { run } = await new Crew(app).start([{ key: "a" }], { project: "demo" });
  const { escalation } = await app.call("escalate", { ...ASKED, run: run.id });
  return { run: run.id, id: escalation.id };
}

test("an answer that comes after a decision elsewhere counts for nothing, and the person is told", async () => {
  const app = await startApp();
  const { run, id } = await escalated(app);
  const runtime = { ...testRuntime(2), clock: app.clock };
  const terminal = await startApp({ database: app.database, runtime, agent: "pat", channel: "human" });
  const shown: ElicitRequestFormParams[] = [];
  const show = async (params: ElicitRequestFormParams): Promise<ElicitResult> => {
    shown.push(params);
    if (shown.length > 1) return { action: "accept", content: {} };
    await terminal.call("decide_escalation", { id, decision: "approved" });
    return { action: "accept", content: { decision: "rejected" } };
  };
  const elicitor = new Elicitor({ host: () => app.app.elicitationHost("test"), show, logger: silentLogger });
  await elicitor.during({ id: 1, input: { run } }, async () => ({ content: [] }));
  await until("the notice is shown", () => shown.length === 2);
  expect(shown[1]).toEqual({
    mode: "form",
    message: expect.stringMatching(
      /^Your answer came too late and counts for nothing\. Escalation \S+ is closed: pat decided approved at /,
    ),
    requestedSchema: { type: "object", properties: {} },
  });
  expect((await app.call("list_escalations", { status: "approved" })).escalations).toMatchObject([
    { id, decided_by: "pat" },
  ]);
  elicitor.close();
});

test("a client without forms pays no statement for questions that wait", async () => {
  let statements = 0;
  const observe = ({ statement }: StorePoint) => void (statement !== "COMMIT" && (statements += 1));
  const app = await startApp({ storeHooks: { observe } });
  const counted = async (work: () => Promise<unknown>): Promise<number> => {
    await work();
    const before = statements;
    await work();
    return statements - before;
  };
  const { run } = await escalated(app);
  const server = createServer({
    version: "1",
    toolsets: [],
    readOnly: false,
    logger: silentLogger,
    dispatch: (client, conversation) => app.app.dispatch(client, conversation),
    reader: (client) => app.app.reader(client),
    elicitationHost: (client) => app.app.elicitationHost(client),
    newRequestId: () => app.app.newRequestId(),
    answerHook: async () => "",
  });
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "plain", version: "1" });
  await Promise.all([server.connect(theirs), client.connect(mine)]);
  const direct = await counted(() => app.call("get_run", { run }));
  const served = await counted(() => client.callTool({ name: "get_run", arguments: { run } }));
  expect(direct).toBeGreaterThan(0);
  expect(served).toBe(direct);
  await client.close();
  await server.close();
});
