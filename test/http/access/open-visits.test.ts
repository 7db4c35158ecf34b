import { describe, expect, test } from "vitest";
import { BACKENDS } from "../../support/databases/databases.js";
import { openStream } from "../../support/http/event-stream.js";
import { bearing, JSON_BODY, startHttpServer } from "../../support/http/http-server.js";
import { personsDatabase } from "../../support/http/tokens.js";
import { resultOf } from "../../support/servers/result-of.js";

const PROTOCOL = "2026-07-28";

describe.each(BACKENDS)("streams and waits of a token, on %s", (backend) => {
  const team = async () => {
    const person = await personsDatabase(backend);
    const [bearer, other] = [await person.token("worker", "--agent", "ann"), await person.token("worker")];
    const options = { database: person.database, address: "0.0.0.0:0" };
    const servers = [await startHttpServer(options), await startHttpServer(options)] as const;
    return { person, bearer, other, servers };
  };

  test("ends soon after the token is revoked, at every server: streams, and calls that wait", async () => {
    const { person, bearer, other, servers } = await team();
    const [first, second] = servers;
    await first.call("create_project", { name: "quiet" }, bearing(bearer));
    const definition = { name: "one", steps: [{ key: "a", prompt: "do it", role: "reviewer" }] };
    const started = await first.call("execute_workflow", { definition, wait_seconds: 0 }, bearing(bearer));
    const run = resultOf("execute_workflow", started.body).run.id;
    const open = (at: string, token: string) => openStream(at, bearing(token));
    const streams = await Promise.all([
      open(`${first.origin}/api/v1/events?after=beginning`, bearer),
      open(`${second.origin}/api/v1/events`, bearer),
      open(`${second.origin}/api/v1/runs/${run}/progress`, bearer),
    ]);
    const others = await open(`${second.origin}/api/v1/events?types=run.started`, other);
    const waiting = second.call("claim_task", { project: "quiet", wait_seconds: 50 }, bearing(bearer));
    const waitingOverMcp = callOverMcp(first.origin, bearer);
    for (const stream of streams) await stream.next();
    await person.revoke(bearer);
    // Left alone, a stream would never end, and a wait only after 50 s with an answer.
    await Promise.all([
      ...streams.map((stream) => stream.rest()),
      waiting.then(
        ({ status }) => expect(status).toBe(401),
        () => undefined,
      ),
      waitingOverMcp.then(
        (status) => expect(status).toBe(401),
        () => undefined,
      ),
    ]);
    expect((await fetch(`${first.origin}/api/v1/events`, { headers: bearing(bearer) })).status).toBe(401);
    // A stream of another token has seen all of it, and goes on.
    await second.call("execute_workflow", { definition, wait_seconds: 0 }, bearing(other));
    expect(await others.next(({ name }) => name === "message")).toMatchObject({ data: { type: "run.started" } });
  });

  test("ends soon after the token is over", async () => {
    const { person, servers } = await team();
    const short = await person.token("worker", "--expires", "4s");
    const stream = await openStream(`${servers[0].origin}/api/v1/events`, bearing(short));
    expect(stream.status).toBe(200);
    await stream.rest();
  });
});

/** A call of MCP that waits; rejects where it is broken off, and returns the status of its answer. */
async function callOverMcp(origin: string, bearer: string): Promise<number> {
  const _meta = {
    progressToken: 1,
    "io.modelcontextprotocol/protocolVersion": PROTOCOL,
    "io.modelcontextprotocol/clientInfo": { name: "ann", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const params = { name: "claim_task", arguments: { project: "quiet", wait_seconds: 50 }, _meta };
  const response = await fetch(`${origin}/mcp`, {
    method: "POST",
    headers: {
      ...JSON_BODY,
      ...bearing(bearer),
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": PROTOCOL,
      "Mcp-Method": "tools/call",
      "Mcp-Name": "claim_task",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }),
  });
  await response.text();
  return response.status;
}
