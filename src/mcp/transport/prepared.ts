import { isObject } from "../../base/json.js";

const JSON_TEXT = Symbol("JSON text");

export interface PreparedResult {
  readonly [JSON_TEXT]: string;
  /** For a transport that writes out the whole message. */
  readonly toJSON: () => unknown;
  readonly [key: string]: unknown;
}

/** A result that is JSON already. The stdio transport sends the text as it stands. */
export function preparedResult(text: string): PreparedResult {
  return { [JSON_TEXT]: text, toJSON: (): unknown => JSON.parse(text) };
}

/** A message as JSON. */
export function textOf(message: object): string {
  const { result, ...envelope } = message as { readonly result?: unknown };
  const text = isObject(result) ? (result as Partial<PreparedResult>)[JSON_TEXT] : undefined;
  if (text === undefined) return JSON.stringify(message);
  return `${JSON.stringify(envelope).slice(0, -1)},"result":${text}}`;
}
