import os from "node:os";
import path from "node:path";
import { BatonError } from "../base/errors.js";

/** A path as it is written in the configuration. */
export interface WrittenPath {
  readonly name: string;
  readonly text: string;
  /** `flag --…`, `environment BATON_…`, or the file. */
  readonly origin: string;
  /** The directory that a relative path starts at; undefined where that would be another one with each start. */
  readonly base: string | undefined;
}

// oxfmt-ignore
const REFUSED: readonly (readonly [form: RegExp, why: string])[] = [
  [/^:memory:$/i, "would be a database of each process alone: name a file"],
  [/^postgres(?:ql)?:/i, "is the URL of a server: it belongs into BATON_DATABASE_URL"],
  [/^[a-z][a-z\d+.-]+:/i, "is a URI, and a path is expected: write it without its scheme"],
  [/^~[^/\\]/, "begins with ~ and a name, which only a shell reads as the home of that user: write the whole path"],
  [/\$\{?[a-z_]|^%[a-z_]+%/i, "holds a variable, which only a shell fills in: write what it stands for"],
  [/\0/, "holds a NUL"],
  [/^\s*$/, "is blank: name a file"],
  [/^(["']).*\1$/s, "stands in quotes, which only a shell takes off: write it without them"],
];

/** Returns the absolute path. `~` is the home directory. Throws `invalid_input` for a form that means another file in each place. */
export function absolutePath({ name, text, origin, base }: WrittenPath): string {
  const refused = REFUSED.find(([form]) => form.test(text));
  if (refused) throw refusal({ name, text, origin }, refused[1]);
  const expanded = /^~(?:[/\\]|$)/.test(text) ? path.join(os.homedir(), text.slice(1)) : text;
  if (path.isAbsolute(expanded)) return path.normalize(expanded);
  if (base !== undefined) return path.resolve(base, expanded);
  const here = path.resolve(expanded);
  throw refusal({ name, text, origin }, `is relative, and would mean another place in each directory: write ${here}`);
}

function refusal({ name, text, origin }: Pick<WrittenPath, "name" | "text" | "origin">, why: string): BatonError {
  const shown = JSON.stringify(text.includes("://") ? text.replace(/\/\/.*$/s, "//…") : text.slice(0, 200));
  return new BatonError("invalid_input", `Invalid configuration: ${name} (${origin}): ${shown} ${why}.`, {
    details: { name, origin },
  });
}
