import { InvalidArgumentError } from "commander";

/** Values of an option that may be repeated. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Whether a text is an amount above 0 as people write it: digits, and a point with digits. */
export function isAmount(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text) && Number(text) > 0;
}

export function amount(text: string): number {
  if (isAmount(text)) return Number(text);
  throw new InvalidArgumentError("Expected an amount above 0, such as 2.5.");
}

export function wholeNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number above 0.");
}
