import { expect, test } from "vitest";
import { bearing, bodyOf, connectedClient, startHttpServer } from "../../support/http/http-server.js";
import { startIssuer, type TokenFacts } from "../../support/http/issuer.js";
import { startServer } from "../../support/servers/client.js";

const RESOURCE = "https://baton.example";

async function trusting() {
  const issuer = await startIssuer();
  const args = ["--public-url", RESOURCE, "--oauth-issuer", issuer.url];
  return { issuer, server: await startHttpServer({ args }) };
}

test("an issuer's token lets in with the role and the agents that its claims name", async () => {
  const { issuer, server } = await trusting();
  const worker = await issuer.token(`${RESOURCE}/mcp`, { scope: "openid baton:worker", baton_agents: ["ann"] });
  const client = await connectedClient(server.origin, "modern", { name: "c", bearer: worker });
  const made = await client.callTool({ name: "create_task", arguments: { title: "t", prompt: "p" } });
  expect(made.structuredContent).toMatchObject({ task: { from: "ann" } });
  expect((await server.call("claim_task", { agent: "ben" }, bearing(worker))).status).toBe(403);
  const session = (token: string) => fetch(`${server.origin}/api/v1/session`, { headers: bearing(token) }).then(bodyOf);
  expect(await session(worker)).toMatchObject({ by: "issuer", role: "worker", agents: ["ann"] });
  const person = await issuer.token(RESOURCE, { baton_role: "human", preferred_username: "otto" });
  expect(await session(person)).toMatchObject({ role: "human", name: "otto", is_person: true });
});

test("an issuer's token for another resource, over, forged or without a role is refused, and the answer says where to get one", async () => {
  const { issuer, server } = await trusting();
  const { url } = issuer;
  const cases: readonly [audience: string, claims: object, more: TokenFacts, says: string][] = [
    ["https://other.example", { baton_role: "worker" }, {}, "for another resource"],
    [RESOURCE, { baton_role: "worker" }, { expires: "1 minute ago" }, "is over"],
    [RESOURCE, { baton_role: "worker" }, { forged: true }, `not signed by ${url}`],
    [RESOURCE, { baton_role: "worker" }, { issuer: "https://other.example" }, "iss"],
    [RESOURCE, { baton_role: "owner" }, {}, "names no role"],
    [RESOURCE, { baton_role: "worker", baton_agents: ["a b"] }, {}, "names no agents"],
  ];
  for (const [audience, claims, more, says] of cases) {
    const token = await issuer.token(audience, { ...claims }, more);
    const refused = await server.call("get_system_status", {}, bearing(token));
    expect([refused.status, refused.body["detail"]]).toEqual([401, expect.stringContaining(says)]);
  }
  const [header, payload] = (await issuer.token(RESOURCE, { baton_role: "admin" })).split(".");
  const none = Buffer.from('{"alg":"none"}').toString("base64url");
  for (const token of [`${none}.${payload!}.x`, `${header!}.${payload!}.AAAA`])
    expect((await server.call("get_system_status", {}, bearing(token))).status).toBe(401);

  const missing = await fetch(`${server.origin}/mcp`, { method: "POST" });
  const where = /resource_metadata="https:\/\/baton\.example([^"]+)"/.exec(
    missing.headers.get("www-authenticate")!,
  )?.[1];
  expect(where).toBe("/.well-known/oauth-protected-resource/mcp");
  expect(await bodyOf(await fetch(`${server.origin}${where!}`))).toMatchObject({
    resource: `${RESOURCE}/mcp`,
    authorization_servers: [url],
    bearer_methods_supported: ["header"],
  });
});

test("an issuer whose keys cannot be had makes its tokens unavailable, not wrong; one without TLS is none", async () => {
  const issuer = await startIssuer();
  const server = await startHttpServer({ args: ["--oauth-issuer", "http://127.0.0.1:9"] });
  const token = await issuer.token(server.origin, { baton_role: "worker" });
  expect((await server.call("get_system_status", {}, bearing(token))).status).toBe(503);
  const plain = startServer({ args: ["serve", "--http", "127.0.0.1:0", "--oauth-issuer", "http://issuer.example"] });
  expect((await plain.ended).code).toBe(2);
  expect(plain.stderr()).toContain("--oauth-issuer");
});
