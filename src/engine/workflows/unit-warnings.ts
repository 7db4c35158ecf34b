import { isObject, type JsonObject } from "../../base/json.js";

const SECOND_MS = 1_000;
const NAMED_MAX = 20;

/** Warns of numbers without a unit that are less than a second in milliseconds: who wrote `start_to_close: 30` meant seconds. */
export function unitWarnings({ defaults, deadline, steps }: JsonObject): string[] {
  const found = [
    ...(typeof deadline === "number" ? [{ field: "deadline", value: deadline }] : []),
    ...durationsOf("defaults", defaults),
    ...(Array.isArray(steps) ? steps : []).flatMap((step) => (isObject(step) ? stepDurations(step) : [])),
  ];
  const warnings = found.filter(({ value }) => value > 0 && value < SECOND_MS).map(worded);
  return warnings.length > NAMED_MAX ? [...warnings.slice(0, NAMED_MAX), "and more of this kind"] : warnings;
}

interface UnitlessDuration {
  readonly field: string;
  readonly value: number;
}

function stepDurations(step: JsonObject): UnitlessDuration[] {
  const key = String(step["key"]);
  return [...durationsOf(key, step), ...durationsOf(`${key}: compensate`, step["compensate"])];
}

function durationsOf(place: string, written: unknown): UnitlessDuration[] {
  if (!isObject(written)) return [];
  const { timeouts } = written;
  const fields = [
    ...Object.entries(isObject(timeouts) ? timeouts : {}).map(([name, value]) => [`timeouts.${name}`, value] as const),
    ["for", written["for"]] as const,
    ["deadline", written["deadline"]] as const,
  ];
  return fields.flatMap(([name, value]) => (typeof value === "number" ? [{ field: `${place}: ${name}`, value }] : []));
}

function worded({ field, value }: UnitlessDuration): string {
  return `${field}: ${value} without a unit is ${value} milliseconds: write ${value}s for seconds, or ${value}ms if it is meant`;
}
