/** An object of JSON: no list, and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Structure that JSON can hold, as a caller handed it in. */
export type JsonObject = Readonly<Record<string, unknown>>;
