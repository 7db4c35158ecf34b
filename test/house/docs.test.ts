import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { SETTING_VARIABLES } from "../../src/config.js";
import { configurationPage } from "../../src/config/settings-reference.js";
import { ROOT } from "./source.js";

/** Made by tools or by a build, or not ours, or of the projects that templates make: nothing in there is a document of this one. */
const NOT_OURS = new Set([
  "node_modules",
  "dist",
  "coverage",
  "tmp",
  "templates",
  "backlog-md",
  "spec-kit",
  "markdown",
]);

/** Beside the settings: who `baton call` acts as, and the placeholder that README uses for any setting. */
const OTHER_VARIABLES = ["BATON_AGENT", "BATON_NAME"];

const documents = markdownFiles("");
const texts = new Map(documents.map((file) => [file, readFileSync(path.join(ROOT, file), "utf8")]));

describe("the documentation", () => {
  test("names npm scripts that exist", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const known = new Set(Object.keys(scripts));
    const missing = documents.flatMap((file) =>
      scriptsNamedIn(textOf(file))
        .filter((script) => !known.has(script))
        .map((script) => `${file}: npm run ${script}`),
    );
    expect(missing).toEqual([]);
  });

  test("links to files and headings that exist", () => {
    const broken = documents.flatMap((file) =>
      linksIn(textOf(file))
        .filter((target) => !leadsSomewhere(file, target))
        .map((target) => `${file}: (${target})`),
    );
    expect(broken).toEqual([]);
  });

  test("names files of this repository that exist", () => {
    const missing = documents.flatMap((file) =>
      filesNamedIn(textOf(file))
        .filter((name) => !existsSync(path.join(ROOT, name)))
        .map((name) => `${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("README", () => {
  const readme = textOf("README.md");

  test("has the two commands a newcomer needs, on its first screen", () => {
    const firstScreen = readme.split("\n").slice(0, 40).join("\n");
    expect(firstScreen).toContain("npm ci && npm run demo");
    expect(firstScreen).toContain("npm ci && npm test");
  });

  test("links to files that the package ships", () => {
    const { files } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { files: string[] };
    const linked = linksIn(readme).map((target) => target.replace(/#.*$/, "").split("/")[0] ?? "");
    expect(linked.filter((target) => target !== "" && !files.includes(target))).toEqual([]);
  });

  test("names variables and settings that exist", () => {
    const known = new Set([...SETTING_VARIABLES, ...OTHER_VARIABLES]);
    const variables = [...readme.matchAll(/\bBATON_[A-Z_]+/g)].map(([name]) => name);
    const settings = [...readme.matchAll(/`([a-z_]+_ms)`/g)].map(([, name = ""]) => `BATON_${name.toUpperCase()}`);
    expect([...variables, ...settings].filter((name) => !known.has(name))).toEqual([]);
  });
});

test("docs/configuration.md has every variable, and is what the settings come to now (npm run reference)", () => {
  const page = textOf("docs/configuration.md");
  expect(page).toBe(configurationPage());
  const settings = [...page.matchAll(/^\| `([a-z_.]+)`/gm)].map(
    ([, name = ""]) => `BATON_${name.replaceAll(".", "_").toUpperCase()}`,
  );
  const named = new Set([...settings, ...[...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, name]) => name)]);
  // Variables of former names are not advertised.
  expect(
    SETTING_VARIABLES.filter(
      (name) => name.startsWith("BATON_") && !named.has(name) && !name.startsWith("BATON_LETTER_"),
    ),
  ).toEqual([]);
});

describe("the checks bite", () => {
  test("scripts are found in prose and in code", () => {
    expect(scriptsNamedIn("run `npm run check`, or\n```sh\nnpm ci && npm run demo -- --short\n```")).toEqual([
      "check",
      "demo",
    ]);
  });

  test("links are found outside code only, pictures too", () => {
    const text = "[a](b.md) ![c](d.svg) `[e](f.md)`\n```\n[g](h.md)\n```\n[i](https://example.org) [j](#k)";
    expect(linksIn(text)).toEqual(["b.md", "d.svg", "#k"]);
  });

  test("headings have the addresses that GitHub gives them", () => {
    expect(addressesIn("# A `b_c`, d!\n## A b_c d\n## Same\n## Same")).toEqual([
      "a-b_c-d",
      "a-b_c-d-1",
      "same",
      "same-1",
    ]);
  });

  test("paths in code spans are found; patterns, and files that the reader is to make, are not", () => {
    expect(filesNamedIn("`src/a.ts` and `test/*/b.ts`, `src/engine/AREA.ts`, src/c.ts, `docs/d.md`.")).toEqual([
      "src/a.ts",
      "docs/d.md",
    ]);
  });
});

function textOf(file: string): string {
  return texts.get(file) ?? "";
}

function markdownFiles(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith(".") || NOT_OURS.has(entry.name)) return [];
    const name = path.posix.join(directory, entry.name);
    if (entry.isDirectory()) return markdownFiles(name);
    return entry.name.endsWith(".md") ? [name] : [];
  });
}

function scriptsNamedIn(text: string): string[] {
  return [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script = ""]) => script);
}

function linksIn(text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Paths in backquotes that lead into the repository. One with capitals for a name (`AREA.ts`) or a wild sign is a pattern. */
function filesNamedIn(text: string): string[] {
  const named = [...text.matchAll(/`((?:src|test|docs|scripts|examples|demo|bench)\/[\w./-]+\.\w+)`/g)];
  return named.map(([, name = ""]) => name).filter((name) => !/[A-Z]{2,}|NNNN/.test(path.posix.basename(name)));
}

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", fragment] = target.split("#");
  const place = file === "" ? from : path.posix.join(path.posix.dirname(from), decodeURIComponent(file));
  if (!existsSync(path.join(ROOT, place))) return false;
  return fragment === undefined || addressesIn(textOf(place)).includes(fragment);
}

/** The fragments of a document's headings, as GitHub makes them. */
function addressesIn(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutFences(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) => {
    const address = heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-");
    const before = seen.get(address) ?? 0;
    seen.set(address, before + 1);
    return before === 0 ? address : `${address}-${before}`;
  });
}

function withoutFences(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, "");
}
