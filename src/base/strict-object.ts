import { z } from "zod";
import { hint, NAME_LENGTH_MAX } from "./names.js";
import { KEY_SEPARATOR } from "./problems.js";

const NAMED_KEYS_MAX = 5;

/**
 * An object that knows all its keys: any other is refused with the sentence that `habits` has for it, or the key that was
 * probably meant, or, where `later` has it, a sentence that it comes with a later version.
 */
export function closedObject<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  later: ReadonlySet<string> = new Set(),
  habits: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape);
  const problemOf = (key: string): string | undefined => {
    if (later.has(key)) return `the key "${key}" comes with a later version and is not understood yet`;
    const habit = Object.hasOwn(habits, key) ? habits[key] : key.startsWith("x-") ? habits["x-"] : undefined;
    const mend = habit === undefined ? hint(key, known) : `: ${habit}`;
    return mend === "" ? undefined : `${unknownKey(key)}${mend}`;
  };
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return undefined;
      const rest = issue.keys.length - NAMED_KEYS_MAX;
      // The keys that there are, once, with the first that resembles none of them.
      let mend = `: known are ${known.join(", ")}`;
      const named = issue.keys.slice(0, NAMED_KEYS_MAX).map((key) => {
        const problem = problemOf(key);
        if (problem !== undefined) return problem;
        const told = `${unknownKey(key)}${mend}`;
        mend = "";
        return told;
      });
      return [...named, ...(rest > 0 ? [`and ${rest} more unknown keys`] : [])].join(KEY_SEPARATOR);
    },
  });
}

function unknownKey(key: string): string {
  return `unknown key "${key.slice(0, NAME_LENGTH_MAX)}"`;
}
