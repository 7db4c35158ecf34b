import { createHash } from "node:crypto";
import os from "node:os";
import type { Caller, SessionIdentity } from "../engine/context.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";
import { ownMark } from "../runtime/processes.js";
import { readWorkplace } from "../runtime/workplace.js";

/** Facts that a process knows about itself. */
export interface OwnProcess {
  readonly sessionId: string;
  /** Without a session, its leases last by time. */
  readonly sessionless: boolean;
  /** The handle that acts by default; made from the client's name without it. */
  readonly agent: string | undefined;
  readonly channel: Caller["channel"];
  readonly cwd: string;
  readonly executor: ExecutorPolicy | false;
}

/** The caller that a client of this name is when it calls through this process. */
export function callerAt(client: string, own: OwnProcess): Caller {
  const { sessionId: id, executor } = own;
  const session: SessionIdentity = { id, host: os.hostname(), ...ownMark(), client, executor };
  return {
    agent: own.agent ?? handleOf(client, id),
    session: own.sessionless ? null : session,
    workplace: readWorkplace(own.cwd),
    channel: own.channel,
  };
}

/** The person who sits at the client of a caller. No agent can be called so: no name holds an "@". */
export function personAt(caller: Caller): Caller {
  return { ...caller, agent: `human@${slugOf(caller.session?.client ?? "", "client")}`, channel: "human" };
}

/** `claude-code-3f2a`: the client's name, and enough of the session to tell its windows apart. */
function handleOf(client: string, sessionId: string): string {
  return `${slugOf(client, "agent")}-${suffixOf(sessionId)}`;
}

const SLUG_LENGTH_MAX = 40;

function slugOf(client: string, fallback: string): string {
  const slug = client
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, SLUG_LENGTH_MAX);
  return slug === "" ? fallback : slug;
}

/** The handle under which this process takes steps itself. */
export async function executorHandleOf(sessionId: string): Promise<string> {
  const { executorHandle } = await import("../engine/presence/executor.js");
  return executorHandle(os.hostname(), suffixOf(sessionId));
}

function suffixOf(sessionId: string): string {
  return createHash("sha256").update(sessionId).digest("hex").slice(0, 4);
}
