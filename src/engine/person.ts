import { BatonError } from "../base/errors.js";
import { defined } from "../base/json.js";
import { LEADING_ROLES } from "../base/statuses.js";
import type { Caller, EngineContext } from "./context.js";

/** A matter that a person decides, and what an agent is told that tries to. */
export interface PersonsMatter {
  readonly matter: string;
  /** How a person does it. */
  readonly way: string;
  readonly details: Record<string, unknown>;
}

/** The channel through which a decision came, and from where a command at a terminal was started, for its event. */
export function channelOf({ caller }: EngineContext): Record<string, unknown> {
  const { channel, seat, access } = caller;
  if (seat === undefined) return { channel, ...defined({ access: access?.id }) };
  return { channel, tty: seat.tty, ancestry: [...seat.ancestry], ...defined({ proof: seat.proof }) };
}

/** Whether a caller may decide what a lead decides, whatever role its agent has registered: its token says it, where it has one. */
export function mayLead({ access }: Caller): boolean {
  return access === undefined || LEADING_ROLES.includes(access.role);
}

/** Errors: `not_permitted` for every caller but a person at a terminal or at a client's form. */
export function requirePerson({ caller }: EngineContext, { matter, way, details }: PersonsMatter): void {
  if (caller.channel === "human") return;
  const refused = caller.seat?.refused;
  const why = refused === undefined ? "" : ` This terminal is not taken for a person's: ${refused}.`;
  throw new BatonError("not_permitted", `${matter}${why} ${way}`, { details: { ...details, permitted: ["human"] } });
}
