import { BatonError } from "../base/errors.js";
import { isName } from "../base/names.js";
import type { PermissionRole } from "../base/statuses.js";
import type { Caller } from "../engine/context.js";
import type { Operation } from "./operation.js";
import * as params from "./params.js";

/** Roles of persons and of the operator's own programs: without a token no agent is taken for one. */
const PERSONS: readonly PermissionRole[] = ["human", "admin"];

/** Parameters that name the agent as which the caller acts. */
const ACTS_AS: ReadonlySet<unknown> = new Set([params.agent, params.givenBy, params.ownHandle]);

interface CallToPermit {
  readonly caller: Caller;
  readonly given: Readonly<Record<string, unknown>>;
}

/**
 * Over stdio a handle is no proof of who acts, so an agent may take every role but those of a person; over the network its token says
 * which it has. Who sits at a terminal may do everything. Errors: `not_permitted`.
 */
export function requirePermission(operation: Operation, { caller, given }: CallToPermit): void {
  const { name, permission: asked = "anyone", atTerminal = `baton call ${name}` } = operation;
  const permission = typeof asked === "function" ? asked(given) : asked;
  if (permission === "anyone" || caller.channel === "human") return;
  const role = caller.access?.role;
  if (role === undefined ? permission.some((one) => !PERSONS.includes(one)) : permission.includes(role)) return;
  const { id } = given;
  const subject = typeof id === "string" && isName(id) ? [id] : [];
  const seat = caller.seat?.refused;
  const why = seat === undefined ? "" : ` This terminal is not taken for a person's: ${seat}.`;
  const who = role === undefined ? "an agent may not call it" : `the role of this token is ${role}`;
  const way = permission.includes("human")
    ? ` A person calls it at a terminal: ${[atTerminal, ...subject].join(" ")}.`
    : "";
  const message = `${name} is for ${permission.join(" or ")}; ${who}.${why}${way}`;
  throw new BatonError("not_permitted", message, {
    details: { operation: name, permitted: [...permission], ...(role && { role }) },
  });
}

/** Ensures that a caller whose token is for some agents acts as one of them. Errors: `not_permitted`. */
export function requireSubject(operation: Operation, input: Readonly<Record<string, unknown>>, caller: Caller): void {
  const subjects = caller.access?.agents ?? null;
  if (subjects === null) return;
  for (const [key, schema] of Object.entries(operation.input.shape)) {
    const named = ACTS_AS.has(schema) ? input[key] : undefined;
    if (typeof named !== "string" || subjects.includes(named)) continue;
    const message = `${key}: this token acts as ${subjects.join(", ")} alone, and "${named}" is none of them. Nothing was done.`;
    throw new BatonError("not_permitted", message, { details: { agent: named, agents: [...subjects] } });
  }
}
