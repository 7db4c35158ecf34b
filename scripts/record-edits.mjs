/**
 * Records which files the commits of a repository edit together, where in them, and how long each took: counts and positions, no content.
 *
 *   node scripts/record-edits.mjs REPOSITORY NAME [COMMITS] > bench/data/edits-NAME.json
 */
import { execFileSync } from "node:child_process";

const [repository = ".", name = "edits", limit = "400"] = process.argv.slice(2);
/** A commit of more files is a mechanical change. */
const FILES_MAX = 40;
const HUNKS_MAX = 12;
/** A longer pause of an author is no work on the next commit. */
const GAP_MAX_S = 7_200;

const git = (...args) =>
  execFileSync("git", ["-C", repository, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "ignore"],
  });
const range = ["--no-merges", "--no-renames", "-n", String(4 * Number(limit))];
const lines = git("log", ...range, "-U0", "--no-color", "--no-ext-diff", "-p", "--format=\u0001%H %ct %an").split("\n");

const commits = [];
let edit;
for (const line of lines) {
  if (line.startsWith("\u0001")) {
    const [id, at, ...author] = line.slice(1).split(" ");
    commits.push({ id, at: Number(at), author: author.join(" "), edits: [] });
    edit = undefined;
  } else if (line.startsWith("diff --git ")) {
    const [, path] = / b\/(.*)$/.exec(line) ?? [];
    edit = { path, added: 0, removed: 0, hunks: [] };
    commits.at(-1)?.edits.push(edit);
  } else if (line.startsWith("@@ ") && edit) {
    const [, start, old = "1", added = "1"] = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line) ?? [];
    edit.hunks.push([Number(start), Number(old), Number(added)]);
    edit.added += Number(added);
    edit.removed += Number(old);
  }
}

// The number of lines before each edit follows from that of today, backwards.
const sizes = new Map();
const sizeNow = (path) => {
  try {
    return git("show", `HEAD:${path}`).split("\n").length - 1;
  } catch {
    return 0;
  }
};
for (const { edits } of commits)
  for (const one of edits) {
    const after = sizes.get(one.path) ?? sizeNow(one.path);
    one.lines = Math.max(0, after - one.added + one.removed);
    sizes.set(one.path, one.lines);
  }

const oldestFirst = commits.toReversed();
const last = new Map();
for (const commit of oldestFirst) {
  const gap = commit.at - (last.get(commit.author) ?? -Infinity);
  commit.seconds = gap > 0 && gap <= GAP_MAX_S ? gap : 0;
  last.set(commit.author, commit.at);
}

const kept = oldestFirst.filter(({ edits }) => edits.length > 0 && edits.length <= FILES_MAX).slice(-Number(limit));
const paths = [...new Set(kept.flatMap(({ edits }) => edits.map(({ path }) => path)))].sort((a, b) => (a < b ? -1 : 1));
const index = new Map(paths.map((path, at) => [path, at]));
const rows = kept.map(({ seconds, edits }) => [
  seconds,
  ...edits.map(({ path, lines: before, hunks }) => [index.get(path), before, ...hunks.slice(0, HUNKS_MAX).flat()]),
]);
const head = git("rev-parse", "HEAD").trim();
const origin = { name, commit: head, from: kept[0]?.id, to: kept.at(-1)?.id, commits: kept.length };
const row = (one) => JSON.stringify(one);
process.stdout.write(
  `{\n"origin": ${JSON.stringify(origin)},\n"paths": [\n${paths.map(row).join(",\n")}\n],\n"commits": [\n${rows.map(row).join(",\n")}\n]\n}\n`,
);
