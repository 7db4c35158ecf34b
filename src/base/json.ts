import { createHash } from "node:crypto";

/** An object of JSON: no list, and not null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Structure that JSON can hold, as a caller handed it in. */
export type JsonObject = Readonly<Record<string, unknown>>;

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys whose value is undefined, which a parsed object may carry and a stored one must not. */
export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}
/** The same for equal input whatever the order of its keys: SHA-256 of its JSON with sorted keys, in base64url. */

export function hashOfInput(input: unknown): string {
  const canonical = JSON.stringify(input, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash("sha256").update(canonical).digest("base64url");
}
