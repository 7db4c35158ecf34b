import { describe, expect, test } from "vitest";
import { z } from "zod";
import { catalogue } from "../../src/tools/registry.js";

// Prose in an answer is data from another agent or person: its author stands beside it. Texts of the server itself, and of files that
// the reader has, need none.

const PROSE =
  /^(?:title|prompt|ask|notes?|message|reason|detail|label|description|goal|text|progress_note|error|result|partial_result|stack|payload|conditions|criteria)$/;
const AUTHOR = /^(?:from|agent|held_by|(?:created|closed|completed|started)_by)$/;

const EXEMPT: Readonly<Record<string, string>> = {
  "find_operations.operation.description": "the server's own words",
  "query_operation.result": "the answer of another operation, which has its own authors",
  "call_operation.result": "the answer of another operation, which has its own authors",
  "list_templates.templates[].title": "a file of the person or of the package: `origin` stands beside it",
  "list_templates.templates[].description": "likewise",
  "list_templates.templates[].problems[].message": "the server's own words",
  "validate_workflow.problems[].message": "the server's own words",
  "validate_workflow.suggested_resources[].reason": "likewise",
  "import_workflow.plans[].title": "of the document that the caller gave",
  "import_workflow.plans[].create[].title": "likewise",
  "import_workflow.plans[].update[].title": "likewise",
  "import_workflow.plans[].complete[].title": "the task's, which get_task returns with its author",
  "import_workflow.plans[].gone[].title": "likewise",
  "import_workflow.plans[].left[].title": "likewise",
  "signal.note": "the server's own words",
  "acquire_file_lock.note": "the server's own words",
  "release_file_lock.note": "the server's own words",
  "wait_for.note": "the server's own words",
  "check_consistency.issues[].message": "the server's own words",
  "estimate_task_cost.notes": "the server's own words",
  "set_budget.note": "the server's own words",
  "forecast_run_cost.notes": "the server's own words",
  "report_failure.actions[].detail": "the server's own words",
  "detect_conflicts.conflicts[].detail": "the server's own words",
  "detect_conflicts.conflicts[].reason": "likewise",
  "resolve_conflicts.resolved[].reason": "likewise",
  "resolve_conflicts.note": "likewise",
  "list_conflicts.conflicts[].detail": "likewise",
  "list_conflicts.conflicts[].reason": "likewise",
  "get_metrics.text": "numbers, with names of agents and models as labels",
  "get_health_status.components[].reason": "the server's own words",
};

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** Paths of prose without an author in its object, in an object beside it, or in one around it. */
function anonymous(schema: Schema, path: string, named: boolean): string[] {
  const { properties = {}, items, anyOf = [], oneOf = [] } = schema;
  const isAuthored = ({ properties: own = {} }: Schema) => Object.keys(own).some((name) => AUTHOR.test(name));
  const hasAuthor = named || isAuthored(schema) || Object.values(properties).some(isAuthored);
  return [
    ...[...anyOf, ...oneOf].flatMap((one) => anonymous(one, path, named)),
    ...(items === undefined ? [] : anonymous(items, `${path}[]`, named)),
    ...Object.entries(properties).flatMap(([name, own]) => [
      ...(PROSE.test(name) && own.properties === undefined && !hasAuthor ? [`${path}.${name}`] : []),
      ...anonymous(own, `${path}.${name}`, hasAuthor),
    ]),
  ];
}

const schemaOf = (shape: z.ZodType): Schema =>
  z.toJSONSchema(shape, { unrepresentable: "any", io: "input", reused: "inline" }) as Schema;

describe("authors", () => {
  test("every answer names who wrote the prose in it", () => {
    const found = catalogue.all.flatMap(({ name, output }) => anonymous(schemaOf(output), name, false));
    expect(found.filter((path) => !(path in EXEMPT))).toEqual([]);
    expect(Object.keys(EXEMPT).filter((path) => !found.includes(path))).toEqual([]);
  });

  test("prose without an author is found, whatever lies around it", () => {
    const note = z.object({ note: z.string() });
    const found = (shape: z.ZodType) => anonymous(schemaOf(shape), "x", false);
    expect(found(z.object({ list: z.array(note) }))).toEqual(["x.list[].note"]);
    expect(found(z.object({ list: z.array(note.extend({ agent: z.string() })) }))).toEqual([]);
    expect(found(z.object({ task: z.object({ title: z.string(), from: z.string() }), ask: z.string() }))).toEqual([]);
    expect(found(z.union([z.object({ prompt: z.string() }), z.object({})]))).toEqual(["x.prompt"]);
  });
});
