import { z } from "zod";
import { PAGES } from "../show/pages.js";
import type { Module } from "./modules.js";

const FILE_MS = 200;

/** The part of the plan's inputs that a client reads: the files of each module. */
export const planInputs = z.object({ modules: z.record(z.string(), z.array(z.string())) });

/** A page for each module, an index that needs them all, and a command that checks every link. */
export function planOf(modules: readonly Module[]) {
  const pages = modules.map(({ name: key, files }) => ({
    key,
    title: `Write ${key}.md`,
    prompt: `Write ${PAGES}/${key}.md from the exports and doc comments of ${files.join(", ")}.`,
    files: { write: [`${PAGES}/${key}.md`] },
    estimate_ms: files.length * FILE_MS,
  }));
  const index = {
    key: "index",
    title: "Join the pages",
    prompt: `Write ${PAGES}/README.md: all modules, who uses whom.`,
    needs: modules.map(({ name: key }) => key),
    files: { write: [`${PAGES}/README.md`] },
  };
  const check = {
    key: "check-links",
    title: "Check every link",
    kind: "command",
    run: `node scripts/check-links.mjs ${PAGES}`,
    needs: ["index"],
  };
  return {
    definition: {
      name: "document-modules",
      inputs: { modules: { type: "object", description: "The files of each module." } },
      steps: [...pages, index, check],
    },
    inputs: { modules: Object.fromEntries(modules.map(({ name: key, files }) => [key, files])) },
  };
}
