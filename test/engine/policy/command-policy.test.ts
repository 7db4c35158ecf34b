import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandAllowed } from "../../../src/engine/policy/command-policy.js";
import type { CommandPolicy } from "../../../src/base/executor-policy.js";
import { processorMs } from "../../support/servers/processor-time.js";

const patterns = (...list: string[]): CommandPolicy => ({ kind: "patterns", patterns: list });

describe("commandAllowed", () => {
  test("off allows nothing, all allows everything", () => {
    expect(commandAllowed({ kind: "off" }, "true")).toBe(false);
    expect(commandAllowed({ kind: "all" }, "rm -rf / ; $(anything)", { PATH: "x" })).toBe(true);
    expect(commandAllowed(patterns(), "true")).toBe(false);
  });

  test.each([
    ["npm test", "npm test"],
    ["npm test", "  npm test\n"],
    ["npm run *", "npm run build"],
    ["npm run *", "npm run build -- --watch 'a b' \"c\" é"],
    ["git diff*", "git diff"],
    ["git diff*", "git diff HEAD~1 -- src/*.ts"],
    ["make -j* test-*-fast", "make -j4 test-unit-fast"],
    ["*", "anything at all"],
    ["make a && make b", "make a && make b"],
    ["make * && make b", "make x y && make b"],
    ["echo $HOME *", "echo $HOME x"],
    ["a*b", "ab"],
    ["a*b*c", "abbc"],
  ])("%j allows %j", (pattern, line) => {
    expect(commandAllowed(patterns("no such thing", pattern), line)).toBe(true);
  });

  test.each([
    ["npm test", "npm testx"],
    ["npm test", "xnpm test"],
    ["npm test", "npm  test"],
    ["npm test", "NPM TEST"],
    ["npm test", "npm test; id"],
    ["npm test", "npm test\nid"],
    ["npm test", "npm test\r"],
    ["npm test", "npm\u00a0test"],
    ["npm test", "npm test\u00a0"],
    ["npm.test", "npm test"],
    ["npm run [a-z]", "npm run b"],
    ["npm run *", "npm run"],
    ["npm run * --dry-run", "npm run x # --dry-run"],
    ["npm run * --dry-run", "npm run x \\ --dry-run"],
    ["npm run * --dry-run", "npm run --dry-run"],
    ["make * && make b", "make x && rm y && make b"],
    ["make * && make b", "make x; make b"],
    ["a*a", "a"],
    ["aba*ba", "aba"],
    ["a*b*c", "acb"],
    ["a*b*b", "ab"],
    ["", "x"],
    ["a*;b*", "a;b;c"],
  ])("%j does not allow %j", (pattern, line) => {
    expect(commandAllowed(patterns(pattern), line)).toBe(false);
  });

  const ESCAPES = [
    "; id",
    "& id",
    "&& id",
    "|| id",
    "| sh",
    "|& sh",
    "$(id)",
    '"$(id)"',
    "${IFS}id",
    "$IFS",
    "`id`",
    "<(id)",
    ">(id)",
    "> /etc/passwd",
    ">> ~/.bashrc",
    "< /etc/shadow",
    "<<< x",
    "\nid",
    "\r\nid",
    "\\\nid",
    "(id)",
    "' ; id '",
    "\0; id",
    "\u000b;id",
    "\u001b]0;x",
  ];

  test.each(ESCAPES)("no wildcard lets %j through, wherever it stands", (escape) => {
    const anywhere = patterns("*", "npm *", "npm run *", "* x", "npm * x", "npm*run*x*", "*npm*", "**");
    for (const line of [`npm run x${escape}`, `npm run ${escape} x`, `npm ${escape}`, `x ${escape} npm run x`]) {
      expect({ line, allowed: commandAllowed(anywhere, `${line} y`) }).toEqual({ line, allowed: false });
    }
  });

  test("agrees with the definition by regular expression", () => {
    const characters = fc.array(fc.constantFrom("a", "b", "-", ";", "*", "$"), { maxLength: 8 });
    fc.assert(
      fc.property(characters, characters, (pattern, line) => {
        const source = pattern.map((character) => (character === "*" ? "[^;$]*" : `[${character}]`)).join("");
        const expected = new RegExp(`^${source}$`).test(line.join(""));
        expect(commandAllowed(patterns(pattern.join("")), line.join(""))).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test("a pattern of many wildcards costs no more than its length times the line's", async () => {
    const tookMs = await processorMs(() => {
      expect(commandAllowed(patterns(`${"a*".repeat(2_000)}b`), "a".repeat(100_000))).toBe(false);
    });
    expect(tookMs).toBeLessThan(5_000);
  });

  test("the step's own variables must be in the pattern, sorted by name", () => {
    expect(commandAllowed(patterns("npm *"), "npm test", { NODE_OPTIONS: "--require=./evil.cjs" })).toBe(false);
    expect(commandAllowed(patterns("npm *"), "npm test", { PATH: "/tmp" })).toBe(false);
    expect(commandAllowed(patterns("CI=1 npm *"), "npm test", { CI: "1" })).toBe(true);
    expect(commandAllowed(patterns("CI=* LEVEL=* npm test"), "npm test", { LEVEL: "2", CI: "1" })).toBe(true);
    expect(commandAllowed(patterns("CI=1 npm *"), "npm test", { CI: "1", PATH: "/tmp" })).toBe(false);
    expect(commandAllowed(patterns("CI=* npm *"), "npm test", { CI: "1\n" })).toBe(false);
  });
});
