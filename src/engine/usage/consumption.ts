import type { Consumption } from "../effect.js";
import { rounded } from "../../base/numbers/rounding.js";

/** The type of the error of a command that had more memory than it reserves. */
export const MEMORY_EXCEEDED = "memory_exceeded";

/** Returns consumption as the record of the attempt keeps it; undefined where nothing was measured. */
export function usageOf({ memoryBytes, cpuMs, cores }: Consumption): Readonly<Record<string, number>> | undefined {
  const usage = {
    ...(memoryBytes !== undefined && { memory_bytes: memoryBytes }),
    ...(cpuMs !== undefined && { cpu_ms: cpuMs }),
    ...(cores !== undefined && { cores: rounded(cores) }),
  };
  return Object.keys(usage).length === 0 ? undefined : usage;
}

/** Reads what `usageOf` has written. */
export function consumptionIn(usage: Readonly<Record<string, unknown>>): Consumption {
  const numberAt = (key: string): number | undefined => {
    const value = usage[key];
    return typeof value === "number" && value >= 0 ? value : undefined;
  };
  return { memoryBytes: numberAt("memory_bytes"), cpuMs: numberAt("cpu_ms"), cores: numberAt("cores") };
}
