import { STEP_KINDS, type StepKind } from "../../base/statuses.js";
import { z } from "zod";
import { describe } from "./descriptions.js";
import { headSchema, stepSchema } from "./schema.js";

/**
 * JSON Schema (2020-12) of a workflow's definition as it is written, for editors and planners. What a schema cannot say,
 * such as that dependencies exist and close no cycle, `validate_workflow` says.
 */
export function workflowJsonSchema(): Record<string, unknown> {
  const head = written(headSchema);
  describe(head, ["workflow"]);
  const steps = {
    description: "The steps, in any order: `needs` says what comes before what.",
    type: "array",
    minItems: 1,
    items: { anyOf: STEP_KINDS.map(schemaOfKind) },
  };
  const properties = { ...(head["properties"] as Record<string, unknown>), steps };
  return { ...head, title: "Baton workflow", properties };
}

/** The same as the file that is shipped for editors: schemas/workflow.schema.json. */
export function workflowSchemaText(): string {
  return `${JSON.stringify(workflowJsonSchema(), undefined, 2)}\n`;
}

function schemaOfKind(kind: StepKind): Record<string, unknown> {
  const schema = stepSchema({ kind });
  if ("field" in schema) throw new Error(`a kind of step without a schema: ${schema.message}`);
  const { $schema: _, ...rest } = written(schema);
  describe(rest, [kind === "workflow" ? "workflow step" : kind, "step"]);
  return { title: `${kind} step`, ...rest };
}

function written(schema: z.ZodType): Record<string, unknown> {
  return { ...z.toJSONSchema(schema, { io: "input" }) };
}
