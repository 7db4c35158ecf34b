import os from "node:os";
import { handleOf, slugOf, suffixOf } from "../base/names.js";
import type { Caller, CallerAccess, SessionIdentity } from "../engine/context.js";
import type { Config } from "../config.js";
import type { ExecutorPolicy } from "../base/executor-policy.js";
import { ownMark, type ProcessMark } from "../runtime/processes.js";
import { readWorkplace } from "../runtime/files/workplace.js";
import { processKey } from "../store/presence/sessions.js";
import { executorPolicy } from "./step-handlers.js";

export interface IdentityOptions {
  readonly config: Config;
  /** Working directory of the caller. */
  readonly cwd?: string;
  /** The handle that acts by default; derived from the client's name if absent. */
  readonly agent?: string;
  /** No process outlives the call: leases last by time and are not renewed. */
  readonly sessionless?: boolean;
  /** The identity that the client gives its conversation, which outlives this process. */
  readonly clientSession?: string | null;
  /** The process of the client that started this one; undefined where that is not known. */
  readonly clientProcess?: Promise<ProcessMark | undefined>;
  /** Takes steps of one run only, with its child runs, once `App.serveRun` has said which. */
  readonly servesOneRun?: boolean;
  /** `human` for a person at a terminal. */
  readonly channel?: Caller["channel"];
  /** Where a person's command came from. */
  readonly seat?: Caller["seat"];
}

/** The session of this process. Its policy changes once, when the run that it serves has an id; its client's process is found soon. */
interface OwnSession extends SessionIdentity {
  executor: ExecutorPolicy | false;
  clientProcess: string | null;
}

/** The client, whose conversation may be known with its first call alone. */
interface OwnCaller extends Caller {
  agent: string;
  clientSession: string | null;
}

/** The callers of this process: its client, the person who sits at that, and the process's own executor. */
export class Identity {
  readonly sessionId: string;
  readonly #options: IdentityOptions;
  #client: OwnCaller | undefined;
  #session: OwnSession | undefined;

  constructor(sessionId: string, options: IdentityOptions) {
    this.sessionId = sessionId;
    this.#options = options;
  }

  /** Whether a client has called. */
  get isKnown(): boolean {
    return this.#client !== undefined;
  }

  get client(): Caller {
    if (this.#client === undefined) throw new Error("no client has called yet");
    return this.#client;
  }

  /** The client of this name. The first name stays: a process serves one client. */
  clientNamed(name: string): Caller {
    return (this.#client ??= this.#callerOf(name));
  }

  /** Returns the client in a conversation, unless another is known. Before the first call: with it the agent's handle changes. */
  clientIn(name: string, conversation: string | null): Caller {
    const client = (this.#client ??= this.#callerOf(name));
    if (client.clientSession !== null || conversation === null) return client;
    client.clientSession = conversation;
    client.agent = this.#options.agent ?? handleOf(name, conversation);
    return client;
  }

  /**
   * The caller over the network whose client has this name. No process of it is known here, so its leases last by time; and the handle is
   * the same at each of several servers, and after a restart. A client that calls itself as a person or a server is called does not
   * become one: its token alone can make it a person.
   */
  remote(client: string, access?: CallerAccess): Caller {
    const { workplace, ...own } = this.client;
    const channel = access?.role === "human" ? "human" : "agent";
    const elsewhere = { ...workplace, isElsewhere: true };
    const shared = {
      ...own,
      workplace: elsewhere,
      session: null,
      clientSession: null,
      channel,
      seat: undefined,
    } as const;
    return { ...shared, agent: remoteHandle(client, access), access };
  }

  /** The person at the client. No agent can be called so: no name holds an "@". */
  person(): Caller {
    const { client } = this;
    return {
      ...client,
      agent: `human@${slugOf(client.session?.client ?? "", "client")}`,
      channel: "human",
      seat: undefined,
    };
  }

  /**
   * The person at a client over the network. A person has said that one sits there, by the token of that client; what they decide names
   * it.
   */
  remotePerson(client: string, access: CallerAccess): Caller {
    const person = { ...access, role: "human", agents: null } as const;
    return { ...this.remote(client, person), agent: `human@${slugOf(client, "client")}` };
  }

  /** Finds the process of the client, before the session's row is written. */
  async findClientProcess(): Promise<void> {
    const mark = await this.#options.clientProcess;
    if (mark !== undefined && this.#session !== undefined) this.#session.clientProcess = processKey(mark);
  }

  /** Says which run this process serves; answers its policy, undefined where it takes no steps. */
  servesOnly(run: string): ExecutorPolicy | undefined {
    const session = this.#session;
    if (session === undefined || session.executor === false) return undefined;
    return (session.executor = { ...session.executor, run });
  }

  /** The executor, under whose handle this process takes steps itself. */
  async executor(): Promise<Caller> {
    const { executorHandle } = await import("../engine/presence/executor.js");
    const agent = executorHandle(os.hostname(), suffixOf(this.sessionId));
    return { ...this.client, agent, channel: "executor" };
  }

  #callerOf(client: string): OwnCaller {
    const { config, agent, sessionless = false, channel = "agent", cwd = process.cwd() } = this.#options;
    const { clientSession = null } = this.#options;
    const policy = executorPolicy(config);
    const executor = policy !== false && this.#options.servesOneRun === true ? { ...policy, run: null } : policy;
    const session: OwnSession = {
      id: this.sessionId,
      host: os.hostname(),
      ...ownMark(),
      client,
      executor,
      clientProcess: null,
    };
    this.#session = session;
    return {
      agent: agent ?? handleOf(client, clientSession ?? this.sessionId),
      session: sessionless ? null : session,
      clientSession,
      host: session.host,
      workplace: { ...readWorkplace(cwd), allowedRoots: config.allowedRoots },
      channel,
      seat: this.#options.seat,
    };
  }
}

/** The handle of a caller over the network that names no agent: a person's own, the first of its token's, or the client's. */
function remoteHandle(client: string, access: CallerAccess | undefined): string {
  const byClient = `http-${slugOf(client, "client")}`;
  if (access === undefined) return byClient;
  if (access.role === "human") return access.name;
  return access.agents?.[0] ?? `${byClient}-${suffixOf(access.id)}`;
}
