import { isObject, type JsonObject } from "../../base/json.js";

const DEPTH_MAX = 4;
/** A schema that requires none of its properties is shown with this many of them. */
const PROPERTIES_MAX = 8;
const REST = "…";

/** A value of the form that a JSON Schema asks for, with "…" where a text is to be written. */
export function exampleOf(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return REST;
  const { enum: values, const: only, anyOf, oneOf, type, items } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(values) && values.length > 0) return values[0];
  const choices: unknown = anyOf ?? oneOf;
  if (type === undefined && Array.isArray(choices)) return exampleOf(choices[0], depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case "object":
      return exampleObject(schema, depth);
    case "array":
      return items === undefined ? [REST] : [exampleOf(items, depth + 1)];
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return isObject(schema["properties"]) ? exampleObject(schema, depth) : REST;
  }
}

function exampleObject(schema: JsonObject, depth: number): Record<string, unknown> {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"])
    ? schema["required"].filter((name) => typeof name === "string")
    : [];
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, PROPERTIES_MAX);
  return Object.fromEntries(names.map((name) => [name, exampleOf(properties[name], depth + 1)]));
}
