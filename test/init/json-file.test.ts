import * as fc from "fast-check";
import { parse } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import { type BatonCommand, serverEntry } from "../../src/init/baton-command.js";
import { jsonFile, jsonWithoutBaton } from "../../src/init/editors/json-file.js";

const RUNS = process.env["BATON_LONG_TESTS"] === "1" ? 2_000 : 50;
const COMMAND: BatonCommand = { words: ["node", "/b/dist/main.js"], program: "/b/dist/main.js", isOnPath: false };
const HANDLER = { type: "command", command: "node /b/dist/main.js guard claude-code", timeout: 5 };
const EDIT = { matcher: "Edit|Write", hooks: [HANDLER] };
const STOP = { hooks: [HANDLER] };
const SERVER = { command: "node", args: ["/b/dist/main.js"] };
const entries = {
  server: { key: "mcpServers", entry: serverEntry(COMMAND, SERVER) },
  hooks: { PreToolUse: EDIT, Stop: STOP },
} as const;
const loose = jsonFile({ ...entries, strict: false });

/** A settings file as people write them: with comments, trailing commas, tabs, everything on one line, or CRLF. */
const settings = fc
  .record({
    data: fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
    hooks: fc.option(
      fc.dictionary(
        fc.constantFrom("PreToolUse", "Stop", "Other"),
        fc.constantFrom([], [{ hooks: [{ command: "mine" }] }]),
      ),
      { nil: undefined },
    ),
    servers: fc.option(fc.constantFrom({}, { mine: { command: "x" } }), { nil: undefined }),
    indent: fc.constantFrom(0, 2, 4, "\t"),
    eol: fc.constantFrom("\n", "\r\n"),
    comments: fc.boolean(),
    commas: fc.boolean(),
    end: fc.constantFrom("", "\n", "\n\n"),
  })
  .map(({ data, hooks, servers, indent, eol, comments, commas, end }) => {
    delete data["__proto__"];
    const whole = { ...data, ...(servers && { mcpServers: servers }), ...(hooks && { hooks }) };
    let text = JSON.stringify(whole, undefined, indent);
    if (indent !== 0 && commas) text = text.replaceAll(/([^,[{\s])\n(\s*[\]}])/g, "$1,\n$2");
    if (indent !== 0 && comments) text = text.replaceAll(/\n/g, () => " // a, } comment {\n");
    if (comments) text = `/* of mine */ ${text} // end`;
    return { text: (text + end).replaceAll("\n", eol), whole };
  });

function isWithin(part: string, whole: string): boolean {
  let at = 0;
  for (const character of whole) if (character === part[at]) at += 1;
  return at === part.length;
}

describe("a JSON file of a client", () => {
  test("keeps every character that was there, says what it said and Baton's entries, and is whole the second time", () => {
    fc.assert(
      fc.property(settings, ({ text, whole }) => {
        const edited = loose.edit(text);
        const { hooks = {}, mcpServers = {} } = whole as Record<string, Record<string, unknown[]>>;
        const wanted = {
          ...whole,
          mcpServers: { ...mcpServers, baton: SERVER },
          hooks: {
            ...hooks,
            PreToolUse: [...(hooks["PreToolUse"] ?? []), EDIT],
            Stop: [...(hooks["Stop"] ?? []), STOP],
          },
        };
        expect(parse(edited, [], { allowTrailingComma: true })).toEqual(wanted);
        // Blanks before a bracket that moves to a line of its own are the only ones that may go.
        expect(isWithin(text.replaceAll(/\s/g, ""), edited.replaceAll(/\s/g, ""))).toBe(true);
        expect(loose.edit(edited)).toBe(edited);
        expect(/[^\r]\n/.test(edited)).toBe(/[^\r]\n/.test(text) || (!text.includes("\n") && edited.includes("\n")));
      }),
      { numRuns: RUNS },
    );
  });

  test("says what it said before where Baton's entries are taken out of it, with all comments", () => {
    fc.assert(
      fc.property(settings, ({ text, whole }) => {
        const rest = jsonWithoutBaton(loose.edit(text));
        const { hooks = {}, mcpServers = {}, ...others } = whole as Record<string, Record<string, unknown[]>>;
        // Empty objects and lists that held nothing go with the entries.
        const kept = Object.entries(hooks).filter(([event, list]) => list.length > 0 || event === "Other");
        const expected = {
          ...others,
          ...(Object.keys(mcpServers).length > 0 && { mcpServers }),
          ...(kept.length > 0 && { hooks: Object.fromEntries(kept) }),
        };
        expect(parse(rest ?? "{}", [], { allowTrailingComma: true })).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });
});
