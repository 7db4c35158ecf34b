import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Document } from "./graphs.js";

/** Recorded workflows (WfCommons): the one that is part of the repository, and those beside it where they are. */
export function recordedTraces(root: string): Document[] {
  const folders = ["test/data/wfinstances", "../shared/data/wfinstances"].map((folder) => path.join(root, folder));
  const files = new Map<string, string>();
  for (const folder of folders.filter((candidate) => existsSync(candidate))) {
    for (const name of readdirSync(folder)) {
      if (name.endsWith("-001.json") && !files.has(name)) files.set(name, path.join(folder, name));
    }
  }
  return [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, file]) => ({ name: name.replace("-001.json", ""), text: readFileSync(file, "utf8") }));
}
