import { isLong } from "../../support/counts.js";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { REDACTED, redactSecrets } from "../../../src/base/secrets/redaction.js";

// Put together here, so that no scanner takes this file for a leak.
const KEYS = [
  ["sk", "-", "a1B2c3D4e5F6g7H8i9J0"],
  ["ghp", "_", "a1B2c3D4e5F6g7H8i9J0k1L2"],
  ["github", "_pat_", "11ABCDEFG0123456789_abcdef"],
  ["AKIA", "", "ABCDEFGHIJKLMNOP"],
  ["xoxb", "-", "1234567890-abcdefghij"],
  ["baton", "_", "01m8q2v7zk3xw9ct_pQ7vT2kR9xLm4Zc8Yw1NdA6uH3sJ5bEoGiKfVtX0aBc"],
  ["AIza", "", "SyA1234567890abcdefghijklmnopqrstu"],
  ["eyJ", "", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlMTIz"],
].map((parts) => parts.join(""));

interface MadeUp {
  readonly rule: string;
  /** Back to front, so that no scanner takes the file for a leak. */
  readonly text: string;
  readonly secret: string;
}
const corpus = JSON.parse(readFileSync(new URL("../../data/secrets.json", import.meta.url), "utf8")) as MadeUp[];
const turned = (text: string): string => text.split("").toReversed().join("");

/** Texts with which something begins that is read on from there. */
const BEGUN = [
  "eyJaaaaaaaa-",
  "eyJaaaaaaaa.",
  "a-",
  "password",
  "password=",
  "token:",
  "://",
  "a://b:",
  "-----BEGIN PRIVATE KEY-----",
  "sk-",
  "Bearer ",
  "Basic aaaaaaaa ",
  "--password ",
  "heroku",
  "heroku_key=",
  "authorization:",
  "authorization: a ",
  "cookie:",
  "cookie: a=b ",
  "&sig=",
  "key-",
  " -u a",
  "sshpass -p ",
  "machine a login a ",
  "hooks.slack.com/",
  '\\"',
  "'",
  " ",
];

describe("secrets", () => {
  test.each(KEYS)("secrets of a known form are redacted in any text: %s", (key) => {
    expect(redactSecrets(`before ${key} after`)).toBe(`before ${REDACTED} after`);
  });

  test.each(KEYS)("secrets that begin a line are redacted in JSON too: %s", (key) => {
    const written = JSON.stringify({ said: `see\n${key}\tand\n\t${key}` });
    expect(redactSecrets(written)).not.toContain(key);
  });

  test.each([
    ["postgres://me:hunter22@db.example:5432/baton", `postgres://me:${REDACTED}@db.example:5432/baton`],
    ["Authorization: Bearer abcdefgh12345678", `Authorization: Bearer ${REDACTED}`],
    ["password=hunter22; user=me", `password=${REDACTED}; user=me`],
    ['{"api_key":"abcd1234","n":1}', `{"api_key":"${REDACTED}","n":1}`],
    ['{"note":"{\\"password\\":\\"abcd1234\\"}"}', `{"note":"{\\"password\\":\\"${REDACTED}\\"}"}`],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIE/+a=\n-----END RSA PRIVATE KEY-----\nrest", `${REDACTED}\nrest`],
  ])("by where they stand: %s", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
  });

  test.each([
    ["DB_PASSWORD=hunter22 next", `DB_PASSWORD=${REDACTED} next`],
    ["export GITHUB_TOKEN='abcd efgh'", `export GITHUB_TOKEN='${REDACTED}'`],
    ["AWS_SECRET_ACCESS_KEY = a/b+c1234", `AWS_SECRET_ACCESS_KEY = ${REDACTED}`],
    ["npm_config__authToken: abcd1234", `npm_config__authToken: ${REDACTED}`],
    ['password: "two words" # why', `password: "${REDACTED}" # why`],
    ["PGPASSWORD=hunter22", `PGPASSWORD=${REDACTED}`],
    ['{"clientSecret":"a b c d"}', `{"clientSecret":"${REDACTED}"}`],
    ["Authorization: Basic dXNlcjpwYXNz", `Authorization: Basic ${REDACTED}`],
    ["x-api-key: abcd1234", `x-api-key: ${REDACTED}`],
    ["deploy --password hunter22 --now", `deploy --password ${REDACTED} --now`],
    ["login --token=abcd1234", `login --token=${REDACTED}`],
    ['["--password","hunter22","--now"]', `["--password","${REDACTED}","--now"]`],
    ["curl -u me:hunter22 https://a.example", `curl -u me:${REDACTED} https://a.example`],
    ["sshpass -p hunter22 ssh a@b", `sshpass -p ${REDACTED} ssh a@b`],
    ["sshpass -p'hunter22' ssh a@b", `sshpass -p'${REDACTED}' ssh a@b`],
    [
      "machine api.example\n  login me\n  password hunter22\n",
      `machine api.example\n  login me\n  password ${REDACTED}\n`,
    ],
    ["git clone https://a1b2c3d4e5f6a7b8@git.example/a.git", `git clone https://${REDACTED}@git.example/a.git`],
    ["redis://:hunter22@cache:6379", `redis://:${REDACTED}@cache:6379`],
    ["Authorization: token abcd1234efgh", `Authorization: ${REDACTED}`],
    ["-H 'Authorization: SSWS abcd1234efgh'", `-H 'Authorization: ${REDACTED}'`],
    ["Cookie: theme=dark; sid=abcd1234\nnext", `Cookie: ${REDACTED}\nnext`],
    ["DB_PASS=hunter22 next", `DB_PASS=${REDACTED} next`],
    ["GET /c?sv=2020&sig=abcd1234%3D&se=1", `GET /c?sv=2020&sig=${REDACTED}&se=1`],
    [`use key-${"0a".repeat(16)} here`, `use ${REDACTED} here`],
    [`ya29.${"a1".repeat(20)}`, REDACTED],
    ["ADAFRUIT_IO=0123456789abcdef0123", `ADAFRUIT_IO=${REDACTED}`],
  ])("after a name, a flag, a scheme or in an address: %s", (text, redacted) => {
    expect(redactSecrets(text)).toBe(redacted);
  });

  test.each([
    "const password = getPassword();",
    "cancellationToken: CancellationToken",
    "password: ${DB_PASSWORD}",
    "token: process.env.NPM_TOKEN",
    "credentials: 'same-origin'",
    "the cookie: a biscuit",
    "the machine shows a login page, a password field and sshpass -f file",
    "machine learning login form",
    "v1.0-beta+exp.sha.5114f85",
    "key-value pairs, secret_santa and SKU",
  ])("words and places that a secret is read from stay: %s", (text) => {
    expect(redactSecrets(text)).toBe(text);
  });

  // The first five have no fixed beginning and no name beside them: only their length tells them from other texts.
  const UNSEEN = [
    "azure-ad-client-secret",
    "facebook-access-token",
    "maxmind-license-key",
    "sourcegraph-access-token",
    "twilio-api-key",
  ];

  test("a made-up key of each rule of gitleaks is redacted", () => {
    const missed = corpus.filter(({ text, secret }) => redactSecrets(turned(text)).includes(turned(secret)));
    expect(missed.map(({ rule }) => rule)).toEqual(UNSEEN);
  });

  /** One pair in so many is tried by `npm test`, another set of partners for each beginning. */
  const SHORT_SHARE = 7;

  test("redaction takes 256 KB of any beginning in less than a second of processor time", () => {
    const before = process.cpuUsage();
    let slowest = { text: "", ms: 0 };
    for (const [at, first] of BEGUN.entries())
      for (const second of ["", ...BEGUN.filter((_, other) => isLong || (at + other) % SHORT_SHARE === 0)]) {
        const begun = process.cpuUsage();
        redactSecrets(`${first}${second}`.repeat(Math.ceil(262_144 / (first.length + second.length))));
        const ms = process.cpuUsage(begun).user / 1_000;
        if (ms > slowest.ms) slowest = { text: first + second, ms };
      }
    expect(slowest.ms, `${slowest.text}: of ${process.cpuUsage(before).user / 1_000} ms in all`).toBeLessThan(1_000);
  });

  test.each([
    "The token is 7 and the run is run_1m7y65wqp14zcfdm.",
    "http://localhost:7420/mcp",
    '{"password":null}',
    '{"token":12,"max_tokens":1000}',
    '{"secret:":["a"],"b":"secret="}',
    "a basic understanding of bearer instruments",
    "git@github.com:me/it.git and ssh://git@github.com/me/it",
    "jira: run_1m7y65wqp14zcfdm",
  ])("are not seen where there are none: %s", (text) => {
    expect(redactSecrets(text)).toBe(text);
  });

  test("leave JSON as JSON", () => {
    const words = fc.constantFrom(
      "password",
      "secret:",
      "api_key=",
      "Bearer ",
      "postgres://a:",
      "@",
      "--password",
      "token",
      "=",
      ":",
      "'",
      "heroku_id",
      '"',
      "\\",
      "x1y2z3w4",
      ...KEYS,
    );
    const texts = fc.array(fc.oneof(words, fc.string()), { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(words, texts), fc.oneof(texts, fc.jsonValue())), (data) => {
        expect(() => JSON.parse(redactSecrets(JSON.stringify(data))) as unknown).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});
