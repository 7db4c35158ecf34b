import { STEP_KINDS, type StepKind } from "../../base/statuses.js";
import { z } from "zod";
import { headSchema, stepSchema } from "./schema.js";

/**
 * JSON Schema (2020-12) of a workflow's definition as it is written, for editors and planners. What a schema cannot say,
 * such as that dependencies exist and close no cycle, `validate_workflow` says.
 */
export function workflowJsonSchema(): Record<string, unknown> {
  const head = written(headSchema);
  const steps = {
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
  if (typeof schema === "string") throw new Error(`a kind of step without a schema: ${schema}`);
  const { $schema: _, ...rest } = written(schema);
  return { title: `${kind} step`, ...rest };
}

function written(schema: z.ZodType): Record<string, unknown> {
  return { ...z.toJSONSchema(schema, { io: "input" }) };
}
