import { spawnSync } from "node:child_process";
import path from "node:path";
import { PersonSecret } from "../../../src/runtime/person-secret.js";
import { SERVER } from "../places.js";
import { environment } from "./server.js";

const SECRET = "secret of the bench";

/** Makes a token of a worker for a database, as its person does at a terminal. */
export function workerToken(directory: string, database: Readonly<Record<string, string>>): string {
  new PersonSecret(path.join(directory, "baton")).set(SECRET);
  const env = environment(directory, { ...database, BATON_PERSON_SECRET: SECRET });
  const args = [SERVER, "token", "create", "--role", "worker", "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, env, encoding: "utf8" });
  const bearer = /"bearer": ?"([^"]+)"/.exec(stdout)?.[1];
  if (bearer === undefined) throw new Error(`no token was made: ${stderr}`);
  return bearer;
}
