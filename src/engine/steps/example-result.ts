import { isObject, type JsonObject } from "../../base/json.js";

const DEPTH_MAX = 4;
/** A schema that requires none of its properties is shown with this many of them. */
const PROPERTIES_MAX = 8;
const REST = "…";

type Choice = (values: readonly unknown[]) => unknown;

/** A value of the form that a JSON Schema asks for, with "…" where a text is to be written. */
export function exampleOf(schema: unknown): unknown {
  return valueOf(schema, (values) => values[0]);
}

/** The same for a result. Of several texts it proposes none: sent as it stands it is refused, and decides nothing by its first value. */
export function exampleResult(schema: unknown): unknown {
  return valueOf(schema, (values) =>
    values.length > 1 && values.every((value) => typeof value === "string") ? values.join(" | ") : values[0],
  );
}

function valueOf(schema: unknown, choose: Choice, depth = 0): unknown {
  if (!isObject(schema) || depth > DEPTH_MAX) return REST;
  const { enum: values, const: only, anyOf, oneOf, type, items } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(values) && values.length > 0) return choose(values);
  const choices: unknown = anyOf ?? oneOf;
  if (type === undefined && Array.isArray(choices)) return valueOf(choices[0], choose, depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case "object":
      return objectOf(schema, choose, depth);
    case "array":
      return items === undefined ? [REST] : [valueOf(items, choose, depth + 1)];
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return isObject(schema["properties"]) ? objectOf(schema, choose, depth) : REST;
  }
}

function objectOf(schema: JsonObject, choose: Choice, depth: number): Record<string, unknown> {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"])
    ? schema["required"].filter((name) => typeof name === "string")
    : [];
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, PROPERTIES_MAX);
  return Object.fromEntries(names.map((name) => [name, valueOf(properties[name], choose, depth + 1)]));
}
