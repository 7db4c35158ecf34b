import net from "node:net";
import { describe, expect, test } from "vitest";
import { bearing, type HttpServer, startHttpServer } from "../support/http/http-server.js";
import { sendRaw } from "../support/http/raw.js";
import { personsDatabase } from "../support/http/tokens.js";
import { shared } from "../support/lifetime.js";

const portOf = ({ origin }: HttpServer) => Number(new URL(origin).port);

describe("a server that asks everyone who they are", () => {
  const started = shared(async () => {
    const person = await personsDatabase();
    const token = await person.token("worker");
    const server = await startHttpServer({
      database: person.database,
      address: "0.0.0.0:0",
      env: {
        BATON_HTTP_REQUEST_TIMEOUT_MS: "500",
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

  test("ends a flood of headers, and headers and bodies that come too slowly", async () => {
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
    for (const lines of beginnings) expect(await sendPart(port, lines.join("\r\n"))).toMatch(/^HTTP\/1\.1 408 /);
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

/** Sends a beginning, and nothing more; returns what comes back until the server ends the connection. */
function sendPart(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.once("error", reject).once("close", () => resolve(answer));
  });
}
