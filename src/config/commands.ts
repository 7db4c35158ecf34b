import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import type { CommandPolicy } from "../base/executor-policy.js";

/** A directory as a person writes it; `~` is their home. */
const directory = () =>
  z
    .string()
    .refine((text) => /^~(?=[\\/]|$)/.test(text) || path.isAbsolute(text), "must be absolute, or begin with ~/");
/** One text with the directories between colons (semicolons on Windows), as the environment has it, or a list. */
export const rootsSchema = z.lazy(() =>
  z.preprocess(
    (value) => (typeof value === "string" ? value.split(path.delimiter).filter(Boolean) : value),
    z.array(directory()).min(1).max(1_000),
  ),
);
const commandPattern = () =>
  z.union([
    z.string().min(1),
    z.strictObject({ pattern: z.string().min(1), roots: z.array(directory()).min(1).max(1_000) }),
  ]);

export const allowCommandsSchema = z.lazy(() =>
  z.union([z.boolean(), z.array(commandPattern())], {
    error: ({ input }) =>
      Array.isArray(input)
        ? "each pattern must be a text, or {pattern, roots}"
        : `must be true, false, or a JSON list of patterns such as ["npm test"], not ${JSON.stringify(input)}`,
  }),
);

/** The policy of `allow_commands` within `allowed_roots`. */
export function commandsOf(
  allowed: z.output<typeof allowCommandsSchema>,
  allowedRoots: readonly string[] | undefined,
): CommandPolicy {
  const roots = allowedRoots === undefined ? {} : { roots: allowedRoots };
  if (allowed === true) return { ...roots, kind: "all" };
  if (allowed === false || allowed.length === 0) return { kind: "off" };
  const patterns = allowed.map((entry) =>
    typeof entry === "string" ? entry : { ...entry, roots: entry.roots.map(realDirectory) },
  );
  return { ...roots, kind: "patterns", patterns };
}

/** As projects have their roots: without links as far as it exists. */
export function realDirectory(written: string): string {
  const absolute = path.resolve(written.replace(/^~(?=[\\/]|$)/, () => os.homedir()));
  return fs.existsSync(absolute) ? fs.realpathSync.native(absolute) : absolute;
}
