import { BatonError } from "../base/errors.js";
import type { EngineContext } from "./context.js";

/** A matter that a person decides, and what an agent is told that tries to. */
export interface PersonsMatter {
  readonly matter: string;
  /** How a person does it. */
  readonly way: string;
  readonly details: Record<string, unknown>;
}

/** Errors: `not_permitted` for every caller but a person at a terminal or at a client's form. */
export function requirePerson({ caller }: EngineContext, { matter, way, details }: PersonsMatter): void {
  if (caller.channel === "human") return;
  const refused = caller.seat?.refused;
  const why = refused === undefined ? "" : ` This terminal is not taken for a person's: ${refused}.`;
  throw new BatonError("not_permitted", `${matter}${why} ${way}`, { details: { ...details, permitted: ["human"] } });
}
