import os from "node:os";
import { ownDirectories } from "../config/database.js";
import { BatonError } from "../base/errors.js";
import { isName, NAME_RULE, nameFrom } from "../base/names.js";
import { PersonSecret } from "../runtime/person-secret.js";
import { readSeat, type Seat } from "../runtime/seat.js";

/** The secret of the person whose configuration this is. Found anew each time: it depends on the environment. */
export function personSecret(): PersonSecret {
  return new PersonSecret(ownDirectories().config);
}

/**
 * Where the caller sits. A person at a terminal decides as a human; a program that calls `baton` has no terminal, or makes one. Once a
 * secret is set that alone counts. Errors: `not_permitted` for another secret.
 */
export function seatOf(given: string | undefined): Seat | undefined {
  const secret = personSecret();
  const isTerminal = process.stdin.isTTY && process.stderr.isTTY;
  if (given !== undefined && given !== "" && secret.isSet) {
    if (!secret.isMatchedBy(given))
      throw new BatonError("not_permitted", "That is not the secret of the person. Nothing was done.", {});
    return { ...readSeat(process.env), refused: undefined, proof: "secret" };
  }
  if (!isTerminal) return undefined;
  const seat = readSeat(process.env);
  return secret.isSet ? { ...seat, refused: "its person has set a secret, which was not given" } : seat;
}

/** The same in each call, so that a task claimed by one can be completed by the next: BATON_AGENT, or the user's name. */
export function ownHandle(reserved: ReadonlySet<string>): string {
  const named = process.env["BATON_AGENT"];
  if (named !== undefined && named !== "") {
    if (isName(named) && !reserved.has(named)) return named;
    const why = isName(named) ? "the name is reserved" : `it needs ${NAME_RULE}`;
    throw new BatonError("invalid_input", `BATON_AGENT="${named}" cannot be an agent's name: ${why}.`);
  }
  const user = nameFrom(userName(), "user");
  return reserved.has(user) ? `${user}-user` : user;
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch (error) {
    // A container's user need not stand in /etc/passwd.
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
