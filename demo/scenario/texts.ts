import { randomBytes } from "node:crypto";

/** Texts of the files that the members write. */

export const DESIGN = `# Money

\`convert(amount, rate)\` takes whole cents and a rate, and returns whole cents.
\`format(cents, currency)\` returns a text such as \`12.50 EUR\`.
`;

/** Half a cent always goes up, which the reviewer finds in the diff. */
export const CONVERT_FIRST = `export function convert(amount, rate) {
  return Math.round(amount * rate);
}
`;

export const CONVERT = `/** Converts whole cents; half a cent goes to the even cent, so that many roundings do not add up. */
export function convert(amount, rate) {
  const exact = amount * rate;
  const below = Math.floor(exact);
  if (exact - below !== 0.5) return Math.round(exact);
  return below % 2 === 0 ? below : below + 1;
}
`;

export const FORMAT = `export function format(cents, currency) {
  return \`\${(cents / 100).toFixed(2)} \${currency}\`;
}
`;

/** A secret key as a provider issues it, made up for this run: no file of this repository has one. */
export function plantedKey(): string {
  return randomBytes(30)
    .toString("base64")
    .replaceAll(/[^A-Za-z0-9]/g, "x");
}

export function settingsWith(key: string | undefined): string {
  const source = { url: "https://rates.example/v1", every_minutes: 60 };
  return `${JSON.stringify({ source, ...(key === undefined ? {} : { aws_secret_access_key: key }) }, null, 2)}\n`;
}

export const CHANGES = `# Changes

- \`convert\` and \`format\`
`;

export const GUIDE = `# Guide

\`format(convert(1000, 1.25), "EUR")\` is \`12.50 EUR\`.
`;

/** Tests that stand in the repository before anything is written. */
export const TESTS = `import assert from "node:assert/strict";
import { test } from "node:test";
import { convert, format } from "../src/index.mjs";

test("converts", () => assert.equal(convert(1000, 1.25), 1250));
test("half a cent goes to the even cent", () => assert.deepEqual([convert(1, 0.5), convert(3, 0.5)], [0, 2]));
test("shows", () => assert.equal(format(1250, "EUR"), "12.50 EUR"));
`;
