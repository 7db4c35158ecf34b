import type { CommandPolicy } from "../../base/executor-policy.js";
import { matches } from "./wildcards.js";

/**
 * Characters that `*` never stands for: everything with which a shell chains or nests commands, redirects, expands
 * variables, continues a line, or (`#`, backslash) cuts off or disguises the rest of the pattern. Control characters
 * likewise.
 */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const NOT_IN_WILDCARD = /[;&|$()<>`#\\\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * The line that patterns are held against: a step's own `env` and its `run`. Because variables such as PATH or
 * NODE_OPTIONS decide what a program does, they are part of it, written as in a shell, sorted by name: env `{CI: "1"}`
 * and run `npm test` need a pattern like `CI=1 npm test`.
 */
export function commandLine(run: string, env: Readonly<Record<string, string>> = {}): string {
  const assignments = Object.keys(env)
    .sort()
    .map((name) => `${name}=${env[name]} `);
  return assignments.join("") + trimmed(run);
}

/**
 * Whether a line of `commandLine` may be started. In a pattern `*` stands for any text without the characters above,
 * everything else for itself; the pattern must fit the whole line. So `npm run *` allows `npm run build -- -w` and never
 * `npm run x; rm -rf ~`. (`git diff*` allows `git difftool` too: `git diff *` is what is meant.)
 */
export function lineAllowed(policy: CommandPolicy, line: string): boolean {
  if (policy.kind !== "patterns") return policy.kind === "all";
  return policy.patterns.some((pattern) => matches(trimmed(pattern), line, NOT_IN_WILDCARD));
}

/** Whether `run` may be started with the step's own `env`. */
export function commandAllowed(
  policy: CommandPolicy,
  run: string,
  env: Readonly<Record<string, string>> = {},
): boolean {
  return lineAllowed(policy, commandLine(run, env));
}

/** Without what a shell ignores around a line; `String.trim` takes more, such as no-break spaces. */
function trimmed(text: string): string {
  return text.replace(/^[ \t\n]+/, "").replace(/[ \t\n]+$/, "");
}
