import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { catalogue } from "../../src/tools/registry.js";
import type { Operation } from "../../src/dispatch/operation.js";
import { toolEntries } from "../../src/dispatch/published.js";
import { referencePage, withToolTable } from "../../src/dispatch/reference/reference.js";
import type { ListChoice, PublishedTool } from "../../src/dispatch/toolsets.js";
import { linesOf, toolsAmong } from "../../src/mcp/tool-list.js";
import { startApp } from "../support/servers/app.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const WORDS_MAX = 60;
/** Token budget of the 25 listed tools. */
const TOKENS_MAX = 4_000;

const operations = catalogue.all;
const entries = toolEntries(operations);
const shown = (choice: ListChoice) =>
  toolsAmong(linesOf(entries), choice).map((text) => JSON.parse(text) as PublishedTool);
const listed = shown({ toolsets: [] });
const complaintsOf = (check: (operation: Operation) => string | undefined) =>
  operations.flatMap((operation) => {
    const complaint = check(operation);
    return complaint === undefined ? [] : [`${operation.name}: ${complaint}`];
  });

describe("every operation", () => {
  test("has a name of at most 40 characters, and aliases like it", () => {
    const names = operations.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(names.filter((name) => !/^[a-z][a-z0-9_]{0,39}$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("describes itself in at most 60 words, without pleading", () => {
    expect(
      complaintsOf(({ description }) => {
        const words = description.split(/\s+/).length;
        if (words > WORDS_MAX) return `${words} words`;
        return /\b(?:always|important|must|please|never)\b/i.exec(description)?.[0];
      }),
    ).toEqual([]);
  });

  test("takes a flat object, of which no nested object swallows an unknown key in silence", () => {
    expect(
      complaintsOf(({ input }) => {
        const silent = silentObjects(input, "", new Set()).filter((at) => at !== "");
        return silent.length === 0 ? undefined : `use z.strictObject or z.looseObject at ${silent.join(", ")}`;
      }),
    ).toEqual([]);
  });

  test("says where the value of a reference comes from", () => {
    const names = operations.map(({ name }) => name);
    const references = new Set(["run", "task", "project", "cursor", "token"]);
    expect(
      complaintsOf((operation) => {
        const properties = catalogue.inputSchema(operation)["properties"] as Record<string, { description?: string }>;
        const silent = Object.entries(properties).filter(
          ([name, { description = "" }]) =>
            references.has(name) &&
            !names.some((other) => description.includes(other)) &&
            !/next_cursor|last answer|list_|claim_task|create_project|execute_workflow/.test(description),
        );
        return silent.length === 0 ? undefined : `which operation supplies ${silent.map(([name]) => name).join(", ")}?`;
      }),
    ).toEqual([]);
  });

  test("that writes takes request_id, and one that reads takes no request_id", () => {
    expect(
      complaintsOf(({ input, effect, area }) => {
        if (area === "meta") return undefined;
        if (effect === "read") return "request_id" in input.shape ? "a read has no request_id" : undefined;
        return "request_id" in input.shape ? undefined : "spread params.acting";
      }),
    ).toEqual([]);
  });

  test("is published with an output schema that also takes an error, and with annotations that fit its effect", () => {
    for (const { tool } of entries) {
      expect(tool.outputSchema).toMatchObject({ type: "object", properties: { error: { type: "object" } } });
      expect(tool.outputSchema).not.toHaveProperty("required");
      expect(tool.inputSchema.type).toBe("object");
      expect(JSON.stringify(tool)).not.toMatch(/\$schema|9007199254740991|"additionalProperties":false/);
      const effect = catalogue.require(tool.name).effect;
      expect(tool.annotations.readOnlyHint).toBe(effect === "read");
      expect(tool.annotations.destructiveHint).toBe(effect === "destructive");
    }
  });
});

describe("the tool list", () => {
  test(`costs a model at most ${TOKENS_MAX} tokens`, () => {
    const costs = listed.map(({ name, description, inputSchema }) => {
      const tokens = Buffer.byteLength(JSON.stringify({ name, description, inputSchema })) / 4;
      return { name, tokens };
    });
    const sum = costs.reduce((total, { tokens }) => total + tokens, 0);
    const dearest = costs.toSorted((a, b) => b.tokens - a.tokens).map(({ name, tokens }) => `${name} ${tokens}`);
    expect({ fits: sum <= TOKENS_MAX, sum, dearest }).toMatchObject({ fits: true });
  });

  test("grows by the areas asked for, in the order of the registry", () => {
    expect(listed.map(({ name }) => name)).toEqual(
      operations.filter((operation) => operation.listed === true).map(({ name }) => name),
    );
    expect(shown({ toolsets: ["all"] }).map(({ name }) => name)).toEqual(operations.map(({ name }) => name));
    const area = operations.at(-1)!.area;
    expect(shown({ toolsets: [area] }).map(({ name }) => name)).toEqual(
      operations.filter((operation) => operation.listed === true || operation.area === area).map(({ name }) => name),
    );
  });

  test("written by the build is the one that the sources make", () => {
    const missingIn = (file: string, expected: typeof entries) => {
      const lines = readFileSync(path.join(ROOT, "dist", file), "utf8").split("\n");
      expect(lines).toHaveLength(expected.length * 2);
      const missing = expected.filter((entry) =>
        linesOf([entry])
          .split("\n")
          .some((text) => !lines.includes(text)),
      );
      return missing.map(({ tool }) => tool.name);
    };
    expect(missingIn("tools.jsonl", entries)).toEqual([]);
    expect(
      missingIn(
        "tools-listed.jsonl",
        entries.filter((entry) => entry.listed),
      ),
    ).toEqual([]);
  });
});

describe("files made from the registry", () => {
  test("docs/operations.md is up to date (npm run reference)", () => {
    expect(readFileSync(path.join(ROOT, "docs/operations.md"), "utf8")).toBe(referencePage(operations));
  });

  test.skipIf(!existsSync(path.join(ROOT, "README.md")))(
    "the table of README.md is up to date (npm run reference)",
    () => {
      const readme = readFileSync(path.join(ROOT, "README.md"), "utf8");
      expect(readme).toBe(withToolTable(readme, operations));
    },
  );
});

test("no operation that reads writes: each runs in a transaction in which a write fails", async () => {
  const { callUnchecked } = await startApp();
  const bugs: string[] = [];
  for (const operation of operations.filter(({ effect, area }) => effect === "read" && area !== "meta")) {
    const required = (catalogue.inputSchema(operation)["required"] ?? []) as string[];
    // An id of nothing: the look-up runs, and the operation says that there is no such thing.
    const input = Object.fromEntries(required.map((name) => [name, sampleOf(operation, name)]));
    await callUnchecked(operation.name, input).catch((error: Error) => {
      if (error.name === "InternalError") bugs.push(`${operation.name}: ${String(error.cause)}`);
    });
  }
  expect(bugs).toEqual([]);
});

function sampleOf(operation: Operation, name: string): unknown {
  const properties = catalogue.inputSchema(operation)["properties"] as Record<string, Record<string, unknown>>;
  const { type, enum: values, items } = properties[name] ?? {};
  if (Array.isArray(values)) return values[0];
  if (type === "array") return [(items as { type?: string } | undefined)?.type === "string" ? "a" : {}];
  if (type === "integer" || type === "number") return 1;
  if (type === "boolean") return true;
  return type === "object" ? {} : "a";
}

/** Where an object of an input schema drops unknown keys without a word. */
function silentObjects(schema: z.core.$ZodType, at: string, seen: Set<z.core.$ZodType>): string[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const inside = (inner: z.core.$ZodType, step: string) => silentObjects(inner, `${at}${step}`, seen);
  switch (def.type) {
    case "object":
      return [
        ...(def.catchall === undefined ? [at] : []),
        ...Object.entries(def.shape).flatMap(([key, inner]) => inside(inner, `.${key}`)),
      ];
    case "array":
      return inside(def.element, "[]");
    case "record":
      return inside(def.valueType, "{}");
    case "union":
      return def.options.flatMap((inner) => inside(inner, ""));
    case "optional":
    case "nullable":
    case "default":
    case "prefault":
    case "readonly":
      return inside(def.innerType, "");
    case "pipe":
      return inside(def.in, "");
    default:
      return [];
  }
}
