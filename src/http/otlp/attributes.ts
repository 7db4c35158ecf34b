import { isObject } from "../../base/json.js";

/** OtlpAttributes of OTLP by their keys: texts, and numbers that may be written as text. */
export type OtlpAttributes = ReadonlyMap<string, unknown>;

const ATTRIBUTES_MAX = 256;

/** Reads a list of attributes in OTLP's JSON. Kinds of values that are not needed here are left out. */
export function attributesIn(list: unknown): OtlpAttributes {
  const found = new Map<string, unknown>();
  for (const pair of listIn(list).slice(0, ATTRIBUTES_MAX)) {
    if (!isObject(pair) || !isObject(pair["value"]) || typeof pair["key"] !== "string") continue;
    const { stringValue, intValue, doubleValue } = pair["value"];
    const value = stringValue ?? intValue ?? doubleValue;
    if (value !== undefined) found.set(pair["key"], value);
  }
  return found;
}

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textAt(attributes: OtlpAttributes, key: string): string | undefined {
  const value = attributes.get(key);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** An amount, as a number or as the text of one; undefined for none and for what no amount can be. */
export function amountIn(value: unknown, max: number): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && number >= 0 && number <= max ? number : undefined;
}

const NANOSECONDS = /^\d{1,19}$/;

/** An instant in nanoseconds since the epoch, as digits. */
export function nanosecondsIn(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && NANOSECONDS.test(text) ? text : undefined;
}

export function millisecondsOf(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000_000n);
}
