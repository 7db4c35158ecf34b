import type { PermissionRole } from "../../../src/base/statuses.js";
import { type Backend, createDatabase } from "../databases/databases.js";
import { startCommandLineFixture, withSecret } from "../servers/command-line.js";
import { batonJson } from "../servers/in-process.js";
import { resultOf } from "../servers/result-of.js";

/** A database, and its person, who makes tokens for programs that call its servers. */
export interface PersonsDatabase {
  readonly database: string;
  /** Variables with which a server that is started on it takes its start for the person's. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a token, with further flags; returns it as its bearer has it. */
  readonly token: (role: PermissionRole, ...flags: readonly string[]) => Promise<string>;
  /** Revokes a token by what its bearer has. */
  readonly revoke: (bearer: string) => Promise<void>;
  /** Calls an operation as the person. */
  readonly call: (...words: readonly string[]) => Promise<unknown>;
}

export async function personsDatabase(backend: Backend = "sqlite"): Promise<PersonsDatabase> {
  return personsDatabaseAt((await createDatabase(backend)).location);
}

/** The same on a database that is there. */
export function personsDatabaseAt(database: string): PersonsDatabase {
  const person = withSecret(startCommandLineFixture({ database }));
  const { XDG_CONFIG_HOME = "", BATON_PERSON_SECRET = "", BATON_AGENT = "" } = person.env;
  return {
    database,
    env: { XDG_CONFIG_HOME, BATON_PERSON_SECRET, BATON_AGENT },
    token: async (role, ...flags) => {
      const made = await batonJson(person, ["token", "create", "--role", role, ...flags]);
      return resultOf("create_access_token", made).bearer!;
    },
    revoke: async (bearer) => {
      await batonJson(person, ["token", "revoke", `token_${bearer.split("_")[1]!}`]);
    },
    call: (...words) => batonJson(person, ["call", ...words]),
  };
}
