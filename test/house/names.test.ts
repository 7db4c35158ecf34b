import { describe, expect, test } from "vitest";
import { lineOf, parseSource, readSource, type Source, typescriptFiles } from "./source.js";

const TYPE = /^export (?:declare )?(?:abstract )?(?:interface|type|class|enum) (\w+)(?=[ <])(?! = \w+\.\1;)/gm;
const CONSTANT = /^export const ([A-Z][A-Z0-9_]*)\b/gm;

const sources = typescriptFiles("src").map(readSource);

describe("one name means one thing", () => {
  test("an exported type name exists once in src", () => {
    expect(declaredTwice(sources, TYPE)).toEqual([]);
  });

  test("an exported constant exists once in src", () => {
    expect(declaredTwice(sources, CONSTANT)).toEqual([]);
  });
});

describe("the rule bites", () => {
  const declared = (...texts: string[]) =>
    declaredTwice(
      texts.map((text, at) => parseSource(`src/${at}.ts`, text)),
      TYPE,
    );

  test("two types of one name are named with both places", () => {
    expect(declared("export interface Place<T> { a: T }", "\nexport type Place = string;")).toEqual([
      expect.stringMatching(/^Place: src\/0\.ts:1 and src\/1\.ts:2: .*rename/),
    ]);
  });

  test("a type that a module passes on under its own name is the same type", () => {
    expect(declared("export class Run {}", "export type Run = store.Run;", "interface Run {}")).toEqual([]);
  });
});

/** Returns a line for each name that several modules declare, with the first two places. */
function declaredTwice(from: readonly Source[], declaration: RegExp): string[] {
  const places = new Map<string, string[]>();
  for (const source of from) {
    for (const match of source.code.matchAll(declaration)) {
      const [, name = ""] = match;
      places.set(name, [...(places.get(name) ?? []), `${source.file}:${lineOf(source, match.index)}`]);
    }
  }
  return [...places]
    .filter(([, found]) => found.length > 1)
    .map(
      ([name, [first, second]]) =>
        `${name}: ${first} and ${second}: import it where both mean the same, rename one where they differ`,
    );
}
