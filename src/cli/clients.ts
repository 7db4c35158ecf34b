import os from "node:os";
import path from "node:path";
import type { Finding } from "../app/maintenance.js";
import { messageOf } from "../base/errors.js";
import { batonCommand } from "../init/baton-command.js";
import { CLIENTS } from "../init/clients/catalogue.js";
import type { ClientPlace } from "../init/clients/client.js";
import { applicationData } from "../init/clients/vscode.js";
import { missingProgram, serversIn } from "../init/own-servers.js";
import { repositoryAt } from "../init/repository.js";
import { serverDatabases } from "../init/server-databases.js";
import { hooksCallTools, setupStates } from "../init/hooks-in-place.js";

interface ClientEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** As `programOf` names it. */
  readonly program: string;
}

/** The file that clients are to start. */
export function programOf({ packageRoot }: { readonly packageRoot: string }): string {
  return path.join(packageRoot, "dist", "main.js");
}

/** Which clients have Baton among their servers and in their hooks, and whether that is as `baton init` would write it. */
export function clientFindings({ env, cwd, program }: ClientEnvironment): Finding[] {
  const repository = repositoryAt(cwd);
  const home = env["HOME"] ?? os.homedir();
  const { root } = repository;
  const command = batonCommand(program, env);
  const place = { root, home, env, command, chosen: [], hooksCallTools: hooksCallTools(root) };
  const found = clientFiles(place).flatMap(({ client, file }) => serverFindings(client, file, place.root));
  const hooks = setupStates(place, repository).map(({ title, file, isStale }): Finding => {
    const check = `hooks ${title}`;
    if (!isStale) return { check, verdict: "ok", says: `call Baton (${file})` };
    return {
      check,
      verdict: "warn",
      says: `${file} calls another Baton, or on another database`,
      remedy: "`baton init` brings it up to date",
    };
  });
  const databases = serverDatabases(place).remarks.map(
    (says) => ({ check: "databases", verdict: "warn", says }) as const,
  );
  if (found.length > 0) return [...found, ...databases, ...hooks];
  const remedy = `\`baton init\` in your repository, or for Claude Code in all of them \`claude mcp add --scope user baton -- node ${program}\``;
  return [{ check: "clients", verdict: "warn", says: "no client is configured to start Baton", remedy }, ...hooks];
}

/** The files in which clients keep their servers, of the repository and of the person. */
function clientFiles(place: ClientPlace): { readonly client: string; readonly file: string }[] {
  const desktop = path.join(applicationData(place.home, place.env), "Claude", "claude_desktop_config.json");
  const others = CLIENTS.flatMap(({ title, files, ownFiles }) =>
    [...files(place).map(({ file }) => path.join(place.root, file)), ...ownFiles(place)].map((file) => ({
      client: title,
      file,
    })),
  );
  return [{ client: "Claude Desktop", file: desktop }, ...others];
}

function serverFindings(client: string, file: string, root: string): Finding[] {
  const check = `client ${client}`;
  let entries: unknown[];
  try {
    entries = serversIn(file, root);
  } catch (error) {
    return [{ check, verdict: "warn", says: `${file} cannot be read: ${messageOf(error)}` }];
  }
  return entries.map((entry) => {
    const missing = missingProgram(entry);
    if (missing === undefined) return { check, verdict: "ok", says: `starts Baton (${file})` };
    return {
      check,
      verdict: "fail",
      says: `${file} starts ${missing}, which does not exist`,
      remedy: "`baton init` corrects it in a repository; else build it or correct the path",
    };
  });
}
