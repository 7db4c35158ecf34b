import { isObject } from "../../base/json.js";
import type { JsonSchema } from "../toolsets.js";

/** `string`, `array of string`, `one of a, b`, with the default where there is one. */
export function typeOf(property: JsonSchema): string {
  const preset = property["default"];
  const plain = preset === undefined || typeof preset === "object" ? "" : ` = ${JSON.stringify(preset)}`;
  return `${typeName(property)}${plain}`;
}

export function typeName(schema: JsonSchema): string {
  const { enum: values, anyOf, type, items } = schema;
  if (Array.isArray(values)) return `one of ${values.map(String).join(", ")}`;
  if (Array.isArray(anyOf)) return anyOf.filter(isObject).map(typeName).join(" or ");
  if (type === "array" && isObject(items)) return `array of ${typeName(items)}`;
  if (Array.isArray(type)) return type.length > 3 ? "any" : type.map(String).join(" or ");
  return typeof type === "string" ? type : "any";
}

export function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  const { properties } = schema;
  if (!isObject(properties)) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, isObject(property) ? property : {}]),
  );
}

export function requiredOf({ required }: JsonSchema): readonly string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}
