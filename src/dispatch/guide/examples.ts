import { exampleOf } from "../../engine/steps/example-result.js";
import type { Operation } from "../operation.js";
import { inputSchema } from "../published.js";
import { propertiesOf, requiredOf } from "./schema-words.js";

/** Values of the parameters that are ids, as they look. */
const REFERENCES: Readonly<Record<string, unknown>> = { run: "run_…", task: "task_…", token: 1 };

/** The arguments of a call that an operation takes: its own example, or what it requires. */
export function exampleCall(operation: Operation): Record<string, unknown> {
  if (operation.example !== undefined) return { ...operation.example };
  const schema = inputSchema(operation);
  const properties = propertiesOf(schema);
  return Object.fromEntries(
    requiredOf(schema).map((name) => [name, REFERENCES[name] ?? exampleOf(properties[name] ?? {})]),
  );
}
