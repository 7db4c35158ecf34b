import * as fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { BatonError } from "../../../src/base/errors.js";
import {
  isAbove,
  foldCase,
  normalisePath,
  overlaps,
  type PathSpace,
  prefixesAbove,
} from "../../../src/engine/paths/paths.js";
import { distinctPatterns, normaliseScope, scopeId } from "../../../src/engine/paths/file-sets.js";
import { processorMs } from "../../support/servers/processor-time.js";

const space: PathSpace = { root: "/home/ann/shop", caseInsensitive: false };
const folding: PathSpace = { ...space, caseInsensitive: true };
const rootless: PathSpace = { root: null, caseInsensitive: false };
const path = (input: string, where = space) => normalisePath(where, input);
const meet = (a: string, b: string, where = space) => {
  const forwards = overlaps(path(a, where), path(b, where));
  expect(overlaps(path(b, where), path(a, where)), `${a} and ${b} either way round`).toBe(forwards);
  return forwards;
};

describe("normalising", () => {
  test.each([
    ["src/a.ts", "src/a.ts", "file", "src/a.ts"],
    ["./src//x/../a.ts", "src/a.ts", "file", "src/a.ts"],
    ["src\\engine\\a.ts", "src/engine/a.ts", "file", "src/engine/a.ts"],
    ["src/api/", "src/api/", "directory", "src/api"],
    ["src/api/.", "src/api/", "directory", "src/api"],
    ["src/api/..", "src/", "directory", "src"],
    [".", "./", "directory", ""],
    ["./", "./", "directory", ""],
    ["/home/ann/shop", "./", "directory", ""],
    ["/home/ann/x/../shop/src/a.ts", "src/a.ts", "file", "src/a.ts"],
    ["src/**/*.ts", "src/**/*.ts", "glob", "src"],
    ["src/***/**/a**.ts", "src/**/a*.ts", "glob", "src"],
    ["src/*/", "src/*/**", "glob", "src"],
    ["**", "**", "glob", ""],
    ["app/[slug]/page.tsx", "app/[slug]/page.tsx", "glob", "app"],
    ["app/(shop)/+page@x.svelte", "app/(shop)/+page@x.svelte", "file", "app/(shop)/+page@x.svelte"],
    ["{slug}/a[b", "{slug}/a[b", "file", "{slug}/a[b"],
    ["cafe\u0301.md", "caf\u00e9.md", "file", "caf\u00e9.md"],
    ["...", "...", "file", "..."],
  ])("%s", (input, ...[shown, kind, prefix]) => {
    expect(path(input)).toEqual({ path: shown, key: shown, kind, prefix });
  });

  test.each([
    ["", "is empty"],
    ["~/notes.md", "begins with ~"],
    ["~", "begins with ~"],
    ["..", "leads outside the project root"],
    ["src/../../other", "leads outside the project root"],
    ["/etc/passwd", "is outside the project root"],
    ["/home/ann/shopping/a.ts", "is outside the project root"],
    ["/home/ann/shop/../other/a.ts", "is outside the project root"],
    ["C:\\Windows\\system.ini", "is outside the project root"],
    ["a\0b", "NUL"],
    ["a.ts\nb.ts", "line break"],
    ["a\u2028b", "line break"],
    ["a\ud800b", "lone surrogate"],
    ["a/".repeat(600), "longer than 1024 bytes"],
    ["x".repeat(256), "name longer than 255 bytes"],
    ["d/".repeat(65), "more than 64 directories deep"],
    ["src/*/../a", 'goes back with ".."'],
    ["!(a).ts", "extended globs"],
    ["+(a|b)*.ts", "+(a|b) are not supported"],
    ["{a,{b,c}}*", "braces within braces"],
    ["{src/a,lib/b}/*", "may not contain a slash"],
    ["*a*b*c*d", "more than 3 stars"],
    [`*.{${Array.from({ length: 17 }, (_, i) => i).join(",")}}`, "more than 16 alternatives"],
  ])("%j is refused", (input, why) => {
    const attempt = () => path(input);
    expect(attempt).toThrow(BatonError);
    expect(attempt).toThrow(why.startsWith("+(") ? "are not supported" : why);
  });

  test("a project without a root takes relative paths only", () => {
    expect(path("notes/plan.md", rootless).path).toBe("notes/plan.md");
    expect(() => path("/notes/plan.md", rootless)).toThrow("no root directory");
  });

  test("where the file system does not tell cases apart, neither do paths, and each is shown as it was written", () => {
    expect(path("src/README.md", folding)).toMatchObject({ path: "src/README.md", key: "src/readme.md" });
    expect(path("/HOME/ann/Shop/src/A.ts", folding)).toMatchObject({ path: "src/A.ts", key: "src/a.ts" });
    expect(meet("SRC/*.TS", "src/a.ts", folding)).toBe(true);
    expect(meet("SRC/*.TS", "src/a.ts")).toBe(false);
    expect(path("ΟΔΟΣ*", folding).key.slice(0, 4)).toBe(path("οδος", folding).key);
  });
});

describe("overlap", () => {
  test.each([
    ["src/a.ts", "src/a.ts", true],
    ["src/a.ts", "src/b.ts", false],
    ["src/api", "src/api/a.ts", true],
    ["src/api", "src/api-2/a.ts", false],
    ["src/api", "src/api/*.ts", true],
    ["src/api.ts", "src/api.ts/deep/", true],
    ["src/api/", "src/api/deep/er/a.ts", true],
    ["src/api/", "src/apis/a.ts", false],
    ["src/api/", "src/", true],
    ["./", "anything/at/all", true],
    ["src/**/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/x/y/a.ts", true],
    ["src/**/*.ts", "src/x/y/a.md", false],
    ["src/**/*.ts", "src/x/", true],
    ["src/*.ts", "src/x/", false],
    ["src/*.ts", "src/.hidden.ts", true],
    ["**/*.ts", "**/*.md", false],
    ["**/*.ts", "lib/**", true],
    ["src/**", "lib/**", false],
    ["src/a*.ts", "src/b*.ts", false],
    ["src/*.test.ts", "src/*.ts", true],
    ["src/*/index.ts", "src/*/main.ts", false],
    ["src/*/index.ts", "src/a/b/index.ts", false],
    ["src/{a,b}.ts", "src/b.ts", true],
    ["src/{a,b}.ts", "src/c.ts", false],
    ["src/?.ts", "src/ab.ts", false],
    ["app/[slug]/page.tsx", "app/[slug]/page.tsx", true],
    ["app/[slug]/page.tsx", "app/[slug]/layout.tsx", false],
    ["app/[slug]/page.tsx", "app/*/page.tsx", true],
    ["app/[slug]/page.tsx", "app/about/page.tsx", false],
    ["app/(shop)/*.tsx", "app/(shop)/page.tsx", true],
    ["app/(shop)/*.tsx", "app/shop/page.tsx", false],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(meet(a, b)).toBe(expected);
  });

  // Few letters and names, so that patterns meet often.
  const name = fc.constantFrom("a", "b", "ab", "a.ts", "b.ts", ".a", "(a)", "[ab]", "+a");
  const wild = fc.constantFrom("*", "?", "**", "*.ts", "a*", "*b*", "[ab]", "{a,b}", "{a,ab}.ts", "?b");
  const file = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const glob = fc.array(fc.oneof(name, wild), { minLength: 1, maxLength: 4 }).map((names) => names.join("/"));
  const directory = file.map((names) => `${names}/`);
  const pattern = fc.oneof(file, glob, directory);
  const plainFile = file.filter((concrete) => path(concrete).kind === "file");
  const fits = (candidate: string, concrete: string) => overlaps(path(candidate), path(concrete));

  /** Undefined where it is refused. Anything but a refusal is thrown on. */
  const pathOrRefusal = (input: string, where: PathSpace) => {
    try {
      return path(input, where);
    } catch (error) {
      if (error instanceof BatonError) return undefined;
      throw error;
    }
  };

  test("normalising what was normalised changes nothing", () => {
    const messy = fc.oneof(pattern, fc.string({ unit: "grapheme", maxLength: 30 }));
    fc.assert(
      fc.property(messy, fc.constantFrom(space, folding), (input, where) => {
        const once = pathOrRefusal(input, where);
        fc.pre(once !== undefined);
        expect(path(once.path, where)).toEqual(once);
        expect(foldCase(foldCase(once.path))).toBe(foldCase(once.path));
      }),
      { numRuns: 3_000 },
    );
  });

  test("it is symmetric, and two patterns that fit one file overlap", () => {
    const fitsAsFile = (candidate: string, concrete: string) =>
      fits(candidate, concrete) &&
      !isAbove(path(concrete), path(candidate)) &&
      !isAbove(path(candidate), path(concrete));
    fc.assert(
      fc.property(pattern, pattern, plainFile, (a, b, concrete) => {
        const fitBoth = fitsAsFile(a, concrete) && fitsAsFile(b, concrete);
        expect(meet(a, b) || !fitBoth).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test("a glob and a file match as in picomatch, except that a pattern is also the file of its own name, and a file the directory above a pattern", () => {
    const plainGlob = glob.filter((candidate) => !/[(+]/.test(candidate));
    fc.assert(
      fc.property(
        plainGlob,
        plainFile.filter((concrete) => !/[(+]/.test(concrete)),
        (candidate, concrete) => {
          const { path: normalised } = path(candidate);
          // The directory itself is taken to fit `*/**` too, as picomatch says of `a/**` only.
          const readings = [normalised, normalised.replace(/\/\*\*$/, "")];
          const expected = readings.some(
            (reading) => concrete === reading || picomatch.isMatch(concrete, reading, { dot: true }),
          );
          const [globbed, plain] = [path(candidate), path(concrete)];
          expect(fits(candidate, concrete)).toBe(expected || isAbove(globbed, plain) || isAbove(plain, globbed));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("each overlapping pattern is found by the prefixes of the other", () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const [left, right] = [path(a), path(b)];
        if (!overlaps(left, right)) return;
        const below = right.prefix.startsWith(left.prefix === "" ? "" : `${left.prefix}/`);
        expect(below || prefixesAbove(left).includes(right.prefix)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("the most hostile pattern and name that are let in cost milliseconds", async () => {
    const hostileName = "a".repeat(250);
    const patterns = ["*a*a*b", "*{a,aa}{a,aa}b", "*a*ab{b,c}", "[ab]*a*a*b"].map((segment) => `**/${segment}`);
    const deep = Array.from({ length: 30 }, () => "**/a*a*b").join("/");
    const concrete = path([hostileName, hostileName, hostileName, hostileName].join("/"));
    const tookMs = await processorMs(() => {
      for (const candidate of [...patterns, deep]) expect(overlaps(path(candidate), concrete)).toBe(false);
    });
    expect(tookMs).toBeLessThan(5_000);
  });
});

describe("scopes", () => {
  const project = { id: "proj_1" };

  test("are normalised, sorted, free of repetition, and what is written need not be read", () => {
    const scope = normaliseScope(space, { write: ["src/b.ts", "./src/b.ts", "src/a.ts"], read: ["src/a.ts", "docs/"] });
    expect(scope.write.map((pattern) => pattern.path)).toEqual(["src/a.ts", "src/b.ts"]);
    expect(scope.read.map((pattern) => pattern.path)).toEqual(["docs/"]);
  });

  test("have equal ids when they are equal, in one project, and none when they are empty", () => {
    const id = (write: string[], read: string[] = []) => scopeId(project, normaliseScope(space, { write, read }));
    expect(id(["a", "b"])).toBe(id(["b", "./a"]));
    expect(id(["a"])).not.toBe(id(["b"]));
    expect(id(["a"], ["b"])).not.toBe(id(["a", "b"]));
    expect(id([])).toBe("");
    expect(scopeId({ id: "proj_2" }, normaliseScope(space, { write: ["a"], read: [] }))).not.toBe(id(["a"]));
  });

  test("paths that mean the same count once", () => {
    expect(distinctPatterns(folding, ["A.ts", "a.ts", "b.ts"]).map((pattern) => pattern.path)).toEqual([
      "A.ts",
      "b.ts",
    ]);
  });
});
