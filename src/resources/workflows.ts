import { workflowJsonSchema } from "../engine/definitions/published-schema.js";
import type { FixedResource } from "./resource.js";

export const workflowSchema: FixedResource = {
  uri: "baton://schemas/workflow",
  name: "workflow-schema",
  title: "Schema of a workflow definition",
  description:
    "JSON Schema of the definition that create_workflow and execute_workflow take, with every key of every kind of step.",
  mimeType: "application/schema+json",
  // oxlint-disable-next-line require-yield -- the same form as the others, which ask the database
  *read() {
    return workflowJsonSchema();
  },
  changedBy: () => false,
};
