import { BatonError } from "../errors.js";
import { hint } from "../names.js";
import { EVENT_TYPES } from "./event-types.js";

const KNOWN: ReadonlySet<string> = new Set(EVENT_TYPES);

/** Refuses a type that no event has: who watches for it would wait for ever. Errors: `invalid_input`. */
export function requireEventTypes(types: readonly string[] = []): void {
  const unknown = types.find((type) => !KNOWN.has(type));
  if (unknown === undefined) return;
  const [kind = ""] = unknown.split(".");
  const ofKind = EVENT_TYPES.filter((type) => type.startsWith(`${kind}.`));
  const known =
    ofKind.length === 0 ? "run.finished and task.claimed are two" : `of ${kind} there are ${ofKind.join(", ")}`;
  const message = `types: no event has the type "${unknown}"${hint(unknown, EVENT_TYPES)}: ${known}.`;
  throw new BatonError("invalid_input", message, { details: { type: unknown } });
}
