import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { catalogue } from "../../src/tools/registry.js";
import { bodyOf, JSON_BODY, startHttpServer } from "../support/http/http-server.js";
import { askAs } from "../support/http/raw.js";
import { startServer } from "../support/servers/client.js";
import { shared } from "../support/lifetime.js";

describe("an operation at its address", () => {
  const server = shared(() => startHttpServer({ env: { BATON_INPUT_BYTES_MAX: "100000" } }));

  test("answers its result, and the same again under the same Idempotency-Key", async () => {
    const create = (key: string) =>
      server().call("create_task", { title: "once", prompt: "do it" }, { "Idempotency-Key": key });
    const [first, again, other] = [await create("k-1"), await create("k-1"), await create("k-2")];
    expect(first.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(other.body["task"]).not.toEqual(first.body["task"]);
    expect((await server().call("list_runs", {}, { "Idempotency-Key": "k-3" })).status).toBe(200);
  });

  test.each([
    { of: "an operation that does not exist", name: "claim_tusk", body: "{}", code: "not_found", says: "claim_task" },
    { of: "a task that does not exist", name: "get_task", body: '{"task":"nope"}', code: "not_found", says: "nope" },
    { of: "a body that is no JSON", name: "claim_task", body: "{", code: "invalid_input", says: "no JSON" },
    { of: "a body that is no object", name: "claim_task", body: "[1]", code: "invalid_input", says: "one JSON object" },
    { of: "a key that is not there", name: "claim_task", body: '{"agnt":1}', code: "invalid_input", says: "agent" },
    { of: "what an admin does", name: "validate_performance", body: "{}", code: "not_permitted", says: "admin" },
  ])("refuses $of with a problem", async ({ name, body, code, says }) => {
    const response = await fetch(`${server().origin}/api/v1/operations/${name}`, {
      method: "POST",
      body,
      headers: JSON_BODY,
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const { status } = response;
    expect(status).toBe({ not_found: 404, invalid_input: 400, not_permitted: 403 }[code]);
    const problem = await bodyOf(response);
    expect(problem).toMatchObject({ status, code, request_id: response.headers.get("x-request-id") });
    expect(problem["detail"]).toContain(says);
  });

  test("refuses a body over its limit with 413, also where no length is given", async () => {
    const text = JSON.stringify({ text: "x".repeat(200_000) });
    const chunked = new Blob([text]).stream();
    const bodies: RequestInit[] = [{ body: text }, { body: chunked, duplex: "half" }];
    for (const init of bodies) {
      const response = await fetch(`${server().origin}/api/v1/operations/create_task`, {
        method: "POST",
        ...init,
        headers: JSON_BODY,
      });
      expect([response.status, await bodyOf(response)]).toEqual([413, expect.objectContaining({ code: "too_large" })]);
    }
  });

  test("is refused to pages of other sites, and under a name that is not this server's", async () => {
    const call = (headers: Record<string, string>) => server().call("get_system_status", {}, headers);
    expect((await call({ Origin: "https://evil.example" })).status).toBe(403);
    expect((await call({ Origin: "null" })).status).toBe(403);
    expect((await call({ Origin: "http://127.0.0.1:9" })).status).toBe(403);
    expect((await call({ "Content-Type": "text/plain" })).status).toBe(400);
    expect((await call({ Origin: server().origin })).status).toBe(200);
    const { port } = new URL(server().origin);
    const rebound = await askAs("evil.example", Number(port));
    expect(rebound).toMatch(/^HTTP\/1\.1 403 /);
  });

  test("stands in a valid OpenAPI document with every other", async () => {
    const document = await bodyOf(await fetch(`${server().origin}/api/v1/openapi.json`));
    const { valid, errors } = await new Validator().validate(document);
    expect([valid, errors]).toEqual([true, undefined]);
    // The one holds it against OpenAPI's schema; the other follows references, names and security too.
    const config = await createConfig({ extends: ["recommended-strict"] });
    expect((await lintFromString({ source: JSON.stringify(document), config })).map(({ message }) => message)).toEqual(
      [],
    );
    const paths = Object.keys(document["paths"] as object);
    expect(paths).toEqual(expect.arrayContaining(catalogue.all.map(({ name }) => `/operations/${name}`)));
  });

  test("is beside the signs that the server lives and that its database answers", async () => {
    for (const [path, status] of [
      ["/healthz", "ok"],
      ["/readyz", "ready"],
    ] as const) {
      const response = await fetch(`${server().origin}${path}`);
      expect([response.status, await bodyOf(response)]).toEqual([200, expect.objectContaining({ status })]);
    }
    expect((await fetch(`${server().origin}/nowhere`)).status).toBe(404);
  });
});

test.each([
  ["0.0.0.0:0", "baton token create"],
  ["example.org:7420", "Three ways out"],
  ["127.0.0.1", "no address to listen at"],
  ["127.0.0.1:99999", "no address to listen at"],
])("a server asked to listen at %s listens nowhere", async (address, says) => {
  const server = startServer({ args: ["serve", "--http", address] });
  expect((await server.ended).code).toBe(2);
  expect(server.stderr()).toContain(says);
});
