import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandLine, lineAllowed } from "../../../src/engine/policy/command-policy.js";
import type { CommandPattern, CommandPolicy } from "../../../src/base/executor-policy.js";
import { processorMs } from "../../support/servers/processor-time.js";

const patterns = (...list: CommandPattern[]): CommandPolicy => ({ kind: "patterns", patterns: list });

function commandAllowed(policy: CommandPolicy, run: string, env: Record<string, string> = {}): boolean {
  return lineAllowed(policy, { line: commandLine(run, env), root: "/repo" });
}

describe("lineAllowed", () => {
  test("off allows nothing, all allows everything", () => {
    expect(commandAllowed({ kind: "off" }, "true")).toBe(false);
    expect(commandAllowed({ kind: "all" }, "rm -rf / ; $(anything)", { PATH: "x" })).toBe(true);
    expect(commandAllowed(patterns(), "true")).toBe(false);
  });

  test.each([
    ["npm test", "npm test"],
    ["npm test", "  npm test\n"],
    ["npm test", "npm test\r\n"],
    ["npm run *", "npm run build"],
    ["npm run *", "npm run build 'a b' \"c\" é x-y"],
    ["npm run * -- --watch *", "npm run build -- --watch 'a b'"],
    ["git diff*", "git diff"],
    ["git diff*", "git diff HEAD~1 src/*.ts"],
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
    ["npm test", "npm test\r\nid"],
    ["npm *", "npm test\r\nid"],
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
    ["npm run *", "npm run --prefix /tmp x"],
    ["npm run *", "npm run -s"],
    ["npm run *", "npm run x -- -w"],
    ["npm run *", "npm run x '-w'"],
    ["npm run *", "npm run ''\"\"-w"],
    ['npm run "*"', 'npm run "-w"'],
    ["npm run *", "npm run *"],
    ["npm run *", "npm run ?x"],
    ["npm run *", "npm run {x,-w}"],
    ["git diff*", "git diff --output=x"],
    ["*", "CI=1 npm test"],
    ["CI=* npm test", "touch pwned npm test"],
    ["CI=1 npm test", "CI=1 CI=2 npm test"],
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

  /** Slow and plain: `*` as a regular expression, in which a word may not begin with an option. */
  function definition(pattern: readonly string[]): RegExp {
    const source = pattern.map((sign) => (sign === "*" ? "(?:[^;$*-]|(?<=[^ ])[-*])*" : `[${sign}]`)).join("");
    return new RegExp(`^${source}$`);
  }

  test("agrees with the definition by regular expression", () => {
    const characters = fc.array(fc.constantFrom("a", "b", "-", ";", "*", "$"), { maxLength: 8 });
    fc.assert(
      fc.property(characters, characters, (pattern, line) => {
        const expected = definition(pattern).test(line.join(""));
        expect(commandAllowed(patterns(pattern.join("")), line.join(""))).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  /** `*` as often as the others, so that many pairs fit. */
  const written = (...signs: string[]) => fc.array(fc.constantFrom(...signs), { minLength: 1, maxLength: 6 });

  test("allows no variable and no command that its own part of the pattern does not fit, however they are cut", () => {
    const values = fc.oneof(
      fc.constantFrom("1", "1 npm run", "1 npm run x", "' npm run", "1' npm run 'x", "", "A=1", "1 B=2"),
      written("1", " ", "'", '"', "=", "A", "-").map((signs) => signs.join("")),
    );
    const env = fc.dictionary(fc.constantFrom("A", "B"), values, { maxKeys: 2 });
    const runs = fc.oneof(
      fc.constantFrom(
        "touch pwned",
        "npm run x",
        "npm run -x",
        "touch pwned npm run x",
        "A=1 npm run x",
        "A='1' npm run x",
      ),
      written("A", "=", "1", " ", "'", "npm run ").map((signs) => signs.join("").trim()),
    );
    const allowed: [variables: Record<string, string>, run: string][] = [
      [{ A: "1" }, "npm run *"],
      [{ A: "*" }, "npm run *"],
      [{ A: "1", B: "*" }, "npm run *"],
      [{}, "npm run *"],
    ];
    let fitting = 0;
    fc.assert(
      fc.property(fc.constantFrom(...allowed), env, runs, ([variables, pattern], given, run) => {
        const policy = patterns(
          [...Object.entries(variables).map(([name, value]) => `${name}=${value}`), pattern].join(" "),
        );
        if (!commandAllowed(policy, run, given)) return;
        fitting += 1;
        // A line's own assignments are variables too: these few forms have them.
        const own = /^(?:([AB])=(?:'([^']*)'|"([^"]*)"|([^ '"]*)) +)*/.exec(run)?.[0] ?? "";
        expect(run.slice(own.length)).toMatch(/^npm run (?![-'" ]*-)/);
        if (own !== "") return;
        expect(Object.keys(given).sort()).toEqual(Object.keys(variables).sort());
        expect(Object.entries(given).filter(([name, value]) => ![value, "*"].includes(variables[name]!))).toEqual([]);
      }),
      { numRuns: 10_000 },
    );
    expect(fitting).toBeGreaterThan(50);
  });

  test("a pattern of many wildcards costs no more than its length times the line's", async () => {
    const tookMs = await processorMs(() => {
      expect(commandAllowed(patterns(`${"a*".repeat(2_000)}b`), "a".repeat(100_000))).toBe(false);
    });
    expect(tookMs).toBeLessThan(5_000);
  });

  test("variables are matched apart from the command, whatever they hold", () => {
    expect(commandAllowed(patterns("CI=1 npm run *"), "touch pwned", { CI: "1 npm run" })).toBe(false);
    expect(commandAllowed(patterns("CI=* npm test"), "touch pwned npm test")).toBe(false);
    expect(commandAllowed(patterns("CI=* npm test"), "npm test", { CI: "a b" })).toBe(true);
    expect(commandAllowed(patterns("CI='a b' npm test"), "npm test", { CI: "a b" })).toBe(true);
    expect(commandAllowed(patterns(`CI="it's" npm test`), "npm test", { CI: "it's" })).toBe(true);
    expect(commandAllowed(patterns("CI=* npm test"), "npm test", { CI: "--require=x" })).toBe(false);
    expect(commandAllowed(patterns("CI=1 npm run *"), "touch pwned", { "CI=1 npm run": "x" })).toBe(false);
  });

  test("a pattern may be bound to directories, and so may all commands", () => {
    const bound = patterns({ pattern: "npm *", roots: ["/repo", "/other/in"] });
    const at = (policy: CommandPolicy, root: string | null) => lineAllowed(policy, { line: "npm test", root });
    expect(["/repo", "/repo/sub", "/other/in/x"].every((root) => at(bound, root))).toBe(true);
    expect(["/repo2", "/", "/other", "/repo/../etc", null].some((root) => at(bound, root))).toBe(false);
    expect(at({ kind: "all", roots: ["/repo"] }, "/repo/sub")).toBe(true);
    expect(at({ kind: "all", roots: ["/repo"] }, "/etc")).toBe(false);
    expect(at({ ...bound, roots: ["/other"] }, "/repo")).toBe(false);
  });

  test("the step's own variables must be in the pattern, in any order", () => {
    expect(commandAllowed(patterns("npm *"), "npm test", { NODE_OPTIONS: "--require=./evil.cjs" })).toBe(false);
    expect(commandAllowed(patterns("npm *"), "npm test", { PATH: "/tmp" })).toBe(false);
    expect(commandAllowed(patterns("CI=1 npm *"), "npm test", { CI: "1" })).toBe(true);
    expect(commandAllowed(patterns("CI=* LEVEL=* npm test"), "npm test", { LEVEL: "2", CI: "1" })).toBe(true);
    expect(commandAllowed(patterns("CI=1 npm *"), "npm test", { CI: "1", PATH: "/tmp" })).toBe(false);
    expect(commandAllowed(patterns("CI=* npm *"), "npm test", { CI: "1\n" })).toBe(false);
  });
});
