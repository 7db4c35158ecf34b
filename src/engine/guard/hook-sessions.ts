import { createHash } from "node:crypto";
import { conversationKey, handleOf } from "../../base/names.js";
import type { ClientName } from "../../base/statuses.js";
import { processKey, saveSession, type Session } from "../../store/presence/sessions.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import type { HookCaller, SeenProcess } from "./hook-caller.js";

/** A client that has called a hook, and no server of which has written yet. */
export interface HookClient {
  readonly client: ClientKind;
  /** The id that its hooks give the conversation. */
  readonly conversation: string | undefined;
  /** Its own process, which has started the hook. */
  readonly process: SeenProcess;
}

export type ClientKind = ClientName | "copilot";

/**
 * Clients whose hooks and servers know one id of the conversation and come from one process, by the names that they give their servers:
 * the handle that the hook gives the agent is then the one it has over its server.
 */
const KNOWN_BY_HOOKS: Partial<Record<ClientKind, string>> = { "claude-code": "claude-code", codex: "codex-mcp-client" };

/** Whether a client whose hooks alone are known gets a session by them. */
export function opensSession(client: ClientKind | undefined): boolean {
  return client !== undefined && KNOWN_BY_HOOKS[client] !== undefined;
}

/** A hook's session outlasts a person's absence; it ends with the client's process. */
const HOOK_SESSION_MS = 3_600_000;
const HOOK_SESSION = "session_hook_";

/**
 * Opens a session for a client that only its hooks have made known, or renews it, so that the files it edits are its own. Undefined for a
 * client whose agent would have another name over its server.
 */
export function* openHookSession(ctx: EngineContext, hook: HookClient): Tx<HookCaller | undefined> {
  const client = KNOWN_BY_HOOKS[hook.client];
  const conversation = conversationKey(hook.conversation);
  if (client === undefined || conversation === null) return undefined;
  const { pid, processStartedAt } = hook.process;
  const session = sessionOf(ctx, { client, clientSession: conversation, pid, processStartedAt });
  yield* saveSession(session);
  return { sessions: [session.id], agents: [handleOf(client, conversation)], by: "process" };
}

/** Whether a session has ended or soon does: its server's, and one of hooks that has not been renewed for half of its time. */
export function isOver({ now }: EngineContext, { id, endedAt, goneAt, expiresAt }: Session): boolean {
  if (endedAt !== null || goneAt !== null || expiresAt <= now) return true;
  return id.startsWith(HOOK_SESSION) && expiresAt - now < HOOK_SESSION_MS / 2;
}

/** Opens or renews the session of a client's hooks in the place of one of its servers that has ended. Returns its id. */
export function* reopenByHook(ctx: EngineContext, ended: Session, process: SeenProcess): Tx<string> {
  const { client, clientSession } = ended;
  const { pid, processStartedAt } = process;
  const session = sessionOf(ctx, { client, clientSession, pid, processStartedAt });
  yield* saveSession(session);
  return session.id;
}

type Known = Pick<Session, "client" | "clientSession" | "pid" | "processStartedAt">;

function sessionOf({ caller, now }: EngineContext, known: Known): Session {
  const clientProcess = processKey(known);
  const id = createHash("sha256").update(`${caller.host}\n${clientProcess}`).digest("hex").slice(0, 16);
  return {
    ...known,
    // The same for hooks that are called at the same time.
    id: `${HOOK_SESSION}${id}`,
    host: caller.host,
    clientProcess,
    executor: false,
    workTree: caller.workplace.gitRoot,
    openedAt: now,
    renewedAt: now,
    expiresAt: now + HOOK_SESSION_MS,
    goneAt: null,
    endedAt: null,
  };
}

/** Names that clients give their servers. Cursor's holds that of VS Code, which it is made from. */
const NAMES: readonly (readonly [ClientKind, RegExp])[] = [
  ["cursor", /cursor/i],
  ["copilot", /copilot/i],
  ["vscode", /visual studio code|vscode/i],
  ["claude-code", /claude-?code/i],
  ["codex", /codex/i],
  ["gemini", /gemini/i],
];

/** Their windows may share the process that hooks are started from. */
const EDITORS: ReadonlySet<ClientKind> = new Set(["cursor", "vscode"]);

/**
 * Whether a session may be that of a hook's caller, where nothing tells who that is: on the same machine, of the same kind of client, and
 * no process speaks against it. The guard denies nothing that such a session holds.
 */
export function mayBeCaller(
  { caller }: EngineContext,
  hook: { readonly client: ClientKind; readonly ancestors: readonly SeenProcess[] },
  session: Pick<Session, "host" | "client" | "clientProcess" | "goneAt">,
): boolean {
  if (session.host !== caller.host) return false;
  if (NAMES.find(([, name]) => name.test(session.client))?.[0] !== hook.client) return false;
  // Without starts of processes the chain is that of Windows, which ends at the parent.
  const isWhole = hook.ancestors.some(({ processStartedAt }) => processStartedAt > 0);
  if (EDITORS.has(hook.client) || !isWhole || session.clientProcess === null || session.goneAt !== null) return true;
  return hook.ancestors.some((ancestor) => processKey(ancestor) === session.clientProcess);
}
