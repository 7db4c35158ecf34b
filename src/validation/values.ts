import { parseDocument } from "yaml";
import { isObject } from "../base/json.js";

/** The text as YAML, of which JSON is a part; undefined where it is something else. */
export function valuesOf(text: string): Record<string, unknown> | undefined {
  if (!/^\s*(?:\{|[\w"'-]+\s*:|---)/.test(text)) return undefined;
  const parsed = parseDocument(text, { logLevel: "silent" });
  if (parsed.errors.length > 0) return undefined;
  // Aliases could grow beyond bounds, and no manifest needs them.
  if (/(?:^|[\s[{,:])\*\w/.test(text)) return undefined;
  const value = parsed.toJS() as unknown;
  return isObject(value) ? value : undefined;
}
