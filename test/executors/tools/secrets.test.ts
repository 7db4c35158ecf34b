import { expect, test } from "vitest";
import type { McpServer } from "../../../src/base/executor-policy.js";
import { Redactor } from "../../../src/executors/mcp/server.js";
import { call, odd, openToolFixture } from "../../support/fixtures/tool-fixture.js";

const TOKEN = "hunter-2-of-the-night-and-of-the-day";

test.each([
  ["cut", "server_unavailable", /stderr ends with:\n.*x{900}/],
  ["cut far", "server_unavailable", /stderr ends with:\n.*\nthe end$/],
  ["cut garbage", "invalid_answer", /the first: x{190}\[redacted/],
  ["tells", "tool_error", /answered with an error: \[redacted\] x{1950} \[redacted\]/],
  ["tells much", "result_too_large", /at most 4096/],
])("a server that puts a secret where it is cut (%s) shows no part of it", async (way, type, message) => {
  const fixture = await openToolFixture(
    { odd: odd(way, { TOKEN }).server },
    { settings: { payload_bytes_max: 4_096 } },
  );
  const { run } = await fixture.start([call("odd: odd/do", {}, { retry: { max_attempts: 1 } })]);
  expect(await fixture.ended(run)).toBe("failed");
  const task = await fixture.task(run, "odd");
  expect(task.attempts).toMatchObject([{ error: { type, message: expect.stringMatching(message) } }]);
  // Of any eight characters of it, none.
  const parts = Array.from({ length: TOKEN.length - 7 }, (_, at) => TOKEN.slice(at, at + 8));
  expect(parts.filter((part) => JSON.stringify(task).includes(part))).toEqual([]);
});

const stdio = (...args: string[]): McpServer => ({
  name: "a",
  type: "stdio",
  command: "x",
  args,
  env: { GREETING: "from-the-environment" },
  cwd: "/",
});
const http = (url: string): McpServer => ({ name: "a", type: "http", url, headers: {} });
const WEB = http("https://some%40one:pass%2Fword@example.test/mcp/s3cr%2Ft-path?plain=false&key=k%2By&q=abc%20defgh");

test.each([
  ["--token=abcdefgh1", stdio("--token=abcdefgh1")],
  ["--api-key abcdefgh1 --port", stdio("--api-key", "abcdefgh1", "--port", "8080")],
  ["API_SECRET abcdefgh1", stdio("API_SECRET=abcdefgh1")],
  ["bearer abcdefgh1", stdio("--header", "Authorization: Bearer abcdefgh1")],
  ["of the database: abcdefgh1", stdio("postgres://user:abcdefgh1@db.test/all")],
  ["its address: abcdefgh1", stdio("--db=postgres://user:abcdefgh1@db.test/all")],
  ["abcdefgh1", stdio("--password", "abcdefgh1")],
])("an argument's secret is known: %s", (text, server) => {
  expect(new Redactor(server, (same) => same).text(text)).toBe(text.replace("abcdefgh1", "[redacted]"));
});

test.each([
  "some%40one",
  "some@one",
  "pass%2Fword",
  "pass/word",
  "s3cr%2Ft-path",
  "s3cr/t-path",
  "abc%20defgh",
  "abc defgh",
])("%s of an address is a secret", (secret) => {
  expect(new Redactor(WEB, (same) => same).text(`no ${secret}!`)).toBe("no [redacted]!");
});

test("ordinary words stay", () => {
  const words = "mcp false token k+y keys 8080 --verbose";
  expect(new Redactor(WEB, (same) => same).text(words)).toBe(words);
  const told = stdio("--token", "no", "--verbose", "--key=short", "run", "--token-file", "--quietly-all");
  const said = "run --quietly-all on a short token, no?";
  expect(new Redactor(told, (same) => same).text(said)).toBe(said);
});
