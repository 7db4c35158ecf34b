// Checks that every link of the Markdown files in a directory leads somewhere: to a file, to a heading in it, or to a
// line of it. Says how many there are, or which are broken, and ends with 1.
//
//   node scripts/check-links.mjs DIRECTORY
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

const directory = process.argv[2];
if (directory === undefined) {
  process.stderr.write("which directory?\n");
  process.exit(2);
}

const texts = new Map();
const anchors = new Map();
const pages = readdirSync(directory).filter((name) => name.endsWith(".md"));
const links = pages.flatMap((page) => linksOf(path.join(directory, page)));
const broken = links.filter((link) => problemOf(link) !== undefined);

for (const link of broken) process.stdout.write(`${link.page}: (${link.target}) ${problemOf(link)}\n`);
process.stdout.write(
  broken.length === 0
    ? `${links.length} links on ${pages.length} pages, every one resolves\n`
    : `${broken.length} of ${links.length} links on ${pages.length} pages lead nowhere\n`,
);
process.exit(broken.length === 0 && pages.length > 0 ? 0 : 1);

function linksOf(page) {
  const text = withoutCode(textOf(page)).replaceAll("\\[", "").replaceAll("\\]", "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ page, target }));
}

function problemOf({ page, target }) {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [file, fragment] = target.split("#");
  const place = file === "" ? page : path.join(path.dirname(page), file);
  if (!existsSync(place)) return `is not there: ${place}`;
  if (fragment === undefined || statSync(place).isDirectory()) return undefined;
  const line = /^L(\d+)$/.exec(fragment);
  if (line !== null) {
    const lines = textOf(place).split("\n").length;
    return Number(line[1]) <= lines ? undefined : `${place} has only ${lines} lines`;
  }
  return anchorsOf(place).has(fragment) ? undefined : `${place} has no heading #${fragment}`;
}

/** The anchors of a page's headings as GitHub makes them, read once for all links that lead there. */
function anchorsOf(page) {
  const known = anchors.get(page) ?? readAnchors(page);
  anchors.set(page, known);
  return known;
}

function readAnchors(page) {
  const found = new Set();
  for (const [, heading] of withoutCode(textOf(page)).matchAll(/^#+ +(.*)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let times = 1; found.has(anchor); times++) anchor = `${slug}-${times}`;
    found.add(anchor);
  }
  return found;
}

function withoutCode(text) {
  return text.replaceAll(/^```[\s\S]*?^```/gm, "");
}

function textOf(file) {
  const known = texts.get(file) ?? readFileSync(file, "utf8");
  texts.set(file, known);
  return known;
}
