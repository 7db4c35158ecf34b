import { WorkTree } from "./git/work-tree.js";

const ASKED_MS = 2_000;

/**
 * Files below a root that differ from the last commit or that git does not know, of those that paths, directories or globs from
 * the root name. Empty outside of a git repository, and where git takes longer than two seconds.
 */
export async function uncommittedFiles(root: string, patterns: readonly string[]): Promise<readonly string[]> {
  const tree = new WorkTree({ cwd: root, globals: [], env: {} }, AbortSignal.timeout(ASKED_MS));
  const at = await tree.root();
  if (at === undefined || patterns.length === 0) return [];
  const changes = await tree.changes(patterns.map((pattern) => `:(glob)${pattern}`));
  return changes.filter(({ path }) => path.startsWith(at.prefix)).map(({ path }) => path.slice(at.prefix.length));
}
