import { isObject, type JsonObject } from "../../base/json.js";

/** Kinds of step that neither an agent nor a process works on: nothing is claimed, locked or tried again. */
const UNCLAIMED: ReadonlySet<unknown> = new Set(["human", "gate", "wait"]);
const IDLE_KEYS = ["role", "requires", "files", "retry"];
const NAMED_MAX = 20;

/** Warns of keys that have no effect on the kind of their step. */
export function idleKeyWarnings({ steps }: JsonObject): string[] {
  const found = (Array.isArray(steps) ? steps : []).flatMap((step: unknown) => {
    if (!isObject(step) || !UNCLAIMED.has(step["kind"])) return [];
    const keys = IDLE_KEYS.filter((key) => step[key] !== undefined);
    if (keys.length === 0) return [];
    const verb = keys.length === 1 ? "has" : "have";
    return [
      `${String(step["key"])}: ${keys.join(", ")} ${verb} no effect on a ${String(step["kind"])} step, which no agent claims`,
    ];
  });
  return found.length > NAMED_MAX ? [...found.slice(0, NAMED_MAX), "and more of this kind"] : found;
}
