import { expect, test } from "vitest";
import { versionIssues } from "../../src/validation/versions.js";

const manifest = (version: string) => JSON.stringify({ dependencies: { redis: version } });

/** Messages about artifacts that give Redis these versions. */
function toldOf(...versions: readonly string[]): string[] {
  const artifacts = versions.map((version, at) => ({ name: `${at}.json`, type: "json", text: manifest(version) }));
  return versionIssues(artifacts).map(({ message }) => message);
}

test("a version that agrees with two others does not hide that these disagree", () => {
  const told = ["1.json says that redis has version 5.1.0, 2.json that it has 5.2.0."];
  expect(toldOf("5", "5.1.0", "5.2.0")).toEqual(told);
  expect(toldOf("^5", "~5.1.0", "=v5.1")).toEqual([]);
});

test.each([">=5", "*", "<6", "workspace:^", "latest"])("the range %s is not held against a version", (range) => {
  expect(toldOf(range, "5.1.0")).toEqual([]);
  expect(toldOf("5.1.0", range, "4.0.0")).toHaveLength(1);
});
