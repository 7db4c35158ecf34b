import net from "node:net";
import { describe, expect, test } from "vitest";
import { bearing, JSON_BODY, portOf, startHttpServer } from "../support/http/http-server.js";
import { startIssuer } from "../support/http/issuer.js";
import { askAs, sendRaw } from "../support/http/raw.js";
import { personsDatabase } from "../support/http/tokens.js";
import { shared } from "../support/lifetime.js";
import { until } from "../support/until.js";

const CONNECTIONS_MAX = 4_096;
const RESOURCE = "https://baton.example";

describe("a server that asks everyone who they are", () => {
  const started = shared(async () => {
    const person = await personsDatabase();
    const token = await person.token("worker");
    const server = await startHttpServer({
      database: person.database,
      address: "0.0.0.0:0",
      env: {
        BATON_HTTP_REQUEST_TIMEOUT_MS: "1500",
        BATON_HTTP_REQUESTS_PER_SECOND: "5",
        BATON_INPUT_BYTES_MAX: "100000",
      },
    });
    return { server, token, port: portOf(server) };
  });
  const host = () => `Host: 127.0.0.1:${started().port}`;

  test.each([
    "GET /api/v1/session",
    "GET //api/v1/session",
    "GET /API/v1/session",
    "GET /assets/../api/v1/session",
    "GET /assets/%2e%2e/api/v1/session",
    "GET /assets/..%2fapi/v1/session",
    "GET /healthz/../api/v1/session",
    "GET /healthz%2f..%2fapi/v1/openapi.json",
    "GET /%61pi/v1/openapi.json",
    "GET /api/v1/openapi.json?/healthz",
    "GET /api/v1/openapi.json#/assets/",
    "GET /.well-known/../api/v1/openapi.json",
    "GET /;/api/v1/openapi.json",
    "GET http://127.0.0.1/api/v1/openapi.json",
    "POST /api/v1/operations/get_configuration",
    "GET /api/v1/events",
    "TRACE /api/v1/openapi.json",
    "POST /mcp",
    "POST /mcp/",
  ])("tells nothing to %s", async (line) => {
    const answer = await sendRaw(started().port, [`${line} HTTP/1.1`, host(), "Content-Length: 0"]);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|401|403|404|405) /);
    expect(answer).not.toMatch(/"paths"|is_person|lease_ms/);
  });

  test.each([
    ["another name in Host", (own: string) => [own.replace("127.0.0.1", "evil.example")]],
    ["a name that begins with its own", (own: string) => [own.replace("127.0.0.1", "127.0.0.1.evil.example")]],
    ["a user in Host", (own: string) => [own.replace("127.0.0.1", "127.0.0.1@evil.example")]],
    ["two names in Host", (own: string) => [own, "Host: evil.example"]],
    ["no Host", () => []],
    ["an origin of another site", (own: string) => [own, "Origin: https://evil.example"]],
    ["an origin that is none", (own: string) => [own, "Origin: null"]],
    ["a request of another site", (own: string) => [own, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]],
  ])("turns away %s, whatever token comes with it", async (_, headers) => {
    const { port, token } = started();
    const lines = [...headers(host()), `Authorization: Bearer ${token}`];
    const answer = await sendRaw(port, ["GET /api/v1/session HTTP/1.1", ...lines]);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403) /);
  });

  test("ends a flood of headers, headers and bodies that come too slowly, and a connection that says nothing", async () => {
    const { port, token } = started();
    const flood = Array.from({ length: 2_000 }, (_, n) => `X-${n}: ${"x".repeat(20)}`);
    expect(await sendRaw(port, ["GET /healthz HTTP/1.1", host(), ...flood])).toMatch(/^HTTP\/1\.1 431 /);
    const beginnings = [
      ["GET /healthz HTTP/1.1", host(), "X-Slow: "],
      [
        "POST /api/v1/operations/create_task HTTP/1.1",
        host(),
        `Authorization: Bearer ${token}`,
        "Content-Type: application/json",
        "Content-Length: 100",
        "",
        '{"title": ',
      ],
    ];
    for (const begun of [...beginnings.map((lines) => lines.join("\r\n")), ""])
      expect(await sendPart(port, begun)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("takes no body over its limit, said or not, and none with two lengths", async () => {
    const { port, token } = started();
    const post = ["POST /api/v1/operations/create_task HTTP/1.1", host(), `Authorization: Bearer ${token}`];
    const json = "Content-Type: application/json";
    expect(await sendRaw(port, [...post, json, "Content-Length: 100000000"])).toMatch(/^HTTP\/1\.1 413 /);
    expect(await sendRaw(port, [...post, json, "Content-Length: 2", "Transfer-Encoding: chunked"])).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(await sendRaw(port, [...post, json, "Content-Length: 2", "Content-Length: 3"])).toMatch(/^HTTP\/1\.1 400 /);
  });

  test("acts by the rights of the token for a call whose header says that it subscribes", async () => {
    const person = await personsDatabase();
    const bearer = await person.token("worker", "--agent", "ann");
    const { origin } = await startHttpServer({ database: person.database, address: "0.0.0.0:0" });
    const headers = {
      ...JSON_BODY,
      ...bearing(bearer),
      Accept: "application/json, text/event-stream",
      "Mcp-Method": "subscriptions/listen",
    };
    const params = { name: "send_message", arguments: { agent: "bob", to: "all", body: "hello" } };
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    const answer = await fetch(`${origin}/mcp`, { method: "POST", headers, body });
    expect(await answer.text()).toContain("not_permitted");
    expect(await fetch(`${origin}/mcp`, { method: "POST", headers, body: "{" })).toMatchObject({ status: 400 });
  });

  test("slows a caller down that calls too often, and no other", async () => {
    const person = await personsDatabase();
    const [one, other] = [await person.token("worker"), await person.token("worker")];
    const env = { BATON_HTTP_REQUESTS_PER_SECOND: "5" };
    const { call } = await startHttpServer({ database: person.database, address: "0.0.0.0:0", env });
    const answers = await Promise.all(Array.from({ length: 60 }, () => call("get_system_status", {}, bearing(one))));
    const late = answers.find(({ status }) => status === 429)!;
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10);
    expect([late.body["code"], Number(late.headers.get("retry-after"))]).toEqual(["limit_exceeded", 1]);
    expect((await call("get_system_status", {}, bearing(other))).status).toBe(200);
  });
});

describe("the dashboard of a signed-in person", () => {
  const started = shared(async () => {
    const person = await personsDatabase();
    const human = await person.token("human", "--name", "otto");
    const server = await startHttpServer({
      database: person.database,
      args: ["--public-url", "https://baton.example"],
    });
    const signIn = await fetch(`${server.origin}/api/v1/session`, { method: "POST", headers: bearing(human) });
    return { port: portOf(server), cookie: signIn.headers.getSetCookie()[0]!.split(";")[0]! };
  });
  const CREATE = "POST /api/v1/operations/create_task";
  const BODY = '{"title": "forged", "prompt": "forged"}';
  const site = (value: string, mode: string, dest: string) => [
    `Sec-Fetch-Site: ${value}`,
    `Sec-Fetch-Mode: ${mode}`,
    `Sec-Fetch-Dest: ${dest}`,
  ];
  const evil = "Origin: https://evil.example";
  const json = "Content-Type: application/json";

  test.each([
    ["a form", CREATE, [evil, "Content-Type: text/plain", ...site("cross-site", "navigate", "document")]],
    ["a script's request", CREATE, [evil, json, ...site("cross-site", "cors", "empty")]],
    ["a request without leave", CREATE, [evil, "Content-Type: text/plain", ...site("cross-site", "no-cors", "empty")]],
    ["a page without an origin", CREATE, ["Origin: null", json, ...site("cross-site", "cors", "empty")]],
    [
      "a page of a neighbouring name",
      CREATE,
      ["Origin: https://x.baton.example", json, ...site("same-site", "cors", "empty")],
    ],
    [
      "a page at another port",
      CREATE,
      ["Origin: https://baton.example:8443", json, ...site("same-site", "cors", "empty")],
    ],
    ["an old browser that says nothing", CREATE, [json]],
    ["a frame", "GET /", site("cross-site", "navigate", "iframe")],
    ["a script element", "GET /api/v1/openapi.json", site("cross-site", "no-cors", "script")],
    ["an image", "GET /?code=guess", site("cross-site", "no-cors", "image")],
    ["a stream", "GET /api/v1/events", [evil, ...site("cross-site", "cors", "empty")]],
    ["a question for leave", "OPTIONS /api/v1/operations/create_task", [evil, "Access-Control-Request-Method: POST"]],
    ["a socket", "GET /api/v1/events", [evil, "Upgrade: websocket", ...site("cross-site", "websocket", "websocket")]],
  ])("is closed to %s of another site that the browser sends the cookie with", async (_, line, headers) => {
    const { port, cookie } = started();
    const own = [`${line} HTTP/1.1`, "Host: baton.example", `Cookie: ${cookie}`, ...headers];
    const answer = await sendRaw(
      port,
      line.startsWith("POST") ? [...own, `Content-Length: ${BODY.length}`] : own,
      BODY,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40[0345] /);
    expect(answer).not.toMatch(/access-control-allow|"paths"|task_/i);
  });
});

test("credentials that are over, for another resource or replayed after their end are refused at every address", async () => {
  const [person, issuer] = [await personsDatabase(), await startIssuer()];
  const [revoked, over] = [await person.token("worker"), await person.token("worker", "--expires", "1ms")];
  const args = ["--public-url", RESOURCE, "--oauth-issuer", issuer.url];
  const { origin } = await startHttpServer({ database: person.database, args });
  const claims = { baton_role: "worker" };
  const good = await issuer.token(RESOURCE, claims);
  const status = async (path: string, bearer: string) =>
    (await fetch(`${origin}${path}`, { headers: bearing(bearer) })).status;
  expect([await status("/api/v1/session", revoked), await status("/api/v1/session", good)]).toEqual([200, 200]);
  await person.revoke(revoked);
  const [head, , signature] = good.split(".");
  const admin = Buffer.from(
    JSON.stringify({ ...claims, baton_role: "admin", aud: RESOURCE, iss: issuer.url, sub: "x", exp: 4e9 }),
  );
  const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
  for (const bearer of [
    revoked,
    over,
    `${revoked}x`,
    await issuer.token("https://other.example", claims),
    await issuer.token(`${RESOURCE}.evil.example`, claims),
    await issuer.token(RESOURCE, claims, { expires: "-1m" }),
    await issuer.token(RESOURCE, claims, { forged: true }),
    await issuer.token(RESOURCE, claims, { issuer: "https://evil.example" }),
    [head, admin.toString("base64url"), signature].join("."),
    [unsigned, admin.toString("base64url"), ""].join("."),
  ])
    for (const path of ["/api/v1/session", "/api/v1/events", "/mcp", "/metrics"]) {
      const turnedAway = await until("it is not slowed down", async () => {
        const answered = await status(path, bearer);
        return answered !== 429 && answered;
      });
      expect([path, turnedAway]).toEqual([path, 401]);
    }
});

test("no more connections are open than the limit, and one that ends makes place for the next", async () => {
  const server = await startHttpServer();
  const sockets: net.Socket[] = [];
  // Each is served once, so that all of them are the server's and not the system's.
  while (sockets.length < CONNECTIONS_MAX)
    sockets.push(...(await Promise.all(Array.from({ length: 128 }, () => served(portOf(server))))));
  // One too many is closed, or reset while it writes.
  const ask = () => askAs("127.0.0.1", portOf(server)).catch(() => "");
  const answers = await Promise.all(Array.from({ length: 5 }, ask));
  expect(answers).toEqual(["", "", "", "", ""]);
  for (const socket of sockets.slice(0, 5)) socket.destroy();
  await until("there is place again", async () => (await ask()).startsWith("HTTP/1.1 200"));
  for (const socket of sockets) socket.destroy();
});

/** A connection that stays open after its first answer. */
function served(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    );
    socket.once("data", () => resolve(socket)).once("error", reject);
  });
}

/** Sends a beginning, and nothing more; returns what comes back until the server ends the connection. */
function sendPart(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}
