import { createHash } from "node:crypto";
import { isObject } from "./json.js";

/** The same for equal input whatever the order of its keys: SHA-256 of its JSON with sorted keys, in base64url. */
export function hashOfInput(input: unknown): string {
  const canonical = JSON.stringify(input, (_key, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash("sha256").update(canonical).digest("base64url");
}
