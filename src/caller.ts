import { createHash } from "node:crypto";
import os from "node:os";
import type { Config } from "./config.js";
import type { Caller, SessionIdentity } from "./engine/context.js";
import { ownMark } from "./runtime/processes.js";
import { readWorkplace } from "./runtime/workplace.js";
import { executorPolicy } from "./works.js";

export interface CallerParts {
  readonly config: Config;
  /** As the client names itself. */
  readonly client: string;
  /** Id of the process's session. */
  readonly session: string;
  readonly sessionless?: boolean | undefined;
  readonly agent?: string | undefined;
  readonly cwd?: string | undefined;
  readonly channel?: Caller["channel"] | undefined;
}

/** In whose name a process acts. */
export function callerOf({ config, client, session: id, ...parts }: CallerParts): Caller {
  const session: SessionIdentity = {
    id,
    host: os.hostname(),
    ...ownMark(),
    client,
    executor: executorPolicy(config),
  };
  return {
    agent: parts.agent ?? handleOf(client, id),
    session: parts.sessionless === true ? null : session,
    workplace: readWorkplace(parts.cwd ?? process.cwd()),
    channel: parts.channel ?? "agent",
  };
}

const SLUG_LENGTH_MAX = 40;

/** `claude-code-3f2a`: the client's name, and enough of the session to tell its windows apart. */
function handleOf(client: string, session: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, SLUG_LENGTH_MAX);
  return `${slug === "" ? "agent" : slug}-${suffixOf(session)}`;
}

export function suffixOf(session: string): string {
  return createHash("sha256").update(session).digest("hex").slice(0, 4);
}
