import type { JsonObject } from "./definition-text.js";

/** An object of JSON: no list, and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
