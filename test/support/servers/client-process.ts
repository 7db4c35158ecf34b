import { spawn } from "node:child_process";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Ancestor } from "../../../src/runtime/ancestry.js";
import { temporaryDirectory } from "../databases/databases.js";
import { atEnd } from "../lifetime.js";

const PROGRAM = path.join(import.meta.dirname, "client-program.mjs");
const DIST = path.resolve(import.meta.dirname, "../../../dist");
/** The command line of a server. */
export const SERVER = `${process.execPath} ${DIST}/main.js`;
const HOOK = `${process.execPath} -e 'import("${DIST}/runtime/ancestry.js").then(async (a) => console.log(JSON.stringify(await a.ancestors())))'`;

export interface ClientProcessOptions {
  /** Registered over its server. */
  readonly agent: string;
  readonly env: Readonly<Record<string, string>>;
  /** The command line that starts its server; null for a client that has none. */
  readonly server?: string | null;
  /** The client in whose shell this one is started. */
  readonly within?: ClientProcess;
}

/** A process of a client. */
export interface ClientProcess {
  /** Takes a line for a shell of this client; see client-program.mjs. */
  readonly socket: string;
  /** Calls a hook, which returns the processes it sees above itself. */
  readonly hook: () => Promise<readonly Ancestor[]>;
}

export async function startClient({
  agent,
  env,
  server = SERVER,
  within,
}: ClientProcessOptions): Promise<ClientProcess> {
  const socket = path.join(temporaryDirectory(), "client");
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  const command = `exec env ${variables.join(" ")} ${process.execPath} ${PROGRAM} ${socket} ${server ?? ""}`;
  const pipes = within === undefined ? start(command) : call(within.socket, command);
  const lines = createInterface(pipes.output)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  await next();
  if (server !== null) await register(agent, pipes.input, next);
  return { socket, hook: () => callHook(socket) };
}

interface Pipes {
  readonly input: Writable;
  readonly output: Readable;
}

function start(command: string): Pipes {
  const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "ignore"] });
  atEnd(() => void child.stdin.end());
  return { input: child.stdin, output: child.stdout };
}

/** Runs a line in a shell of the client that listens there. */
function call(socket: string, line: string): Pipes {
  const connection = connect(socket);
  atEnd(() => void connection.destroy());
  connection.write(`${line}\n`);
  return { input: connection, output: connection };
}

/** Runs a line in a shell of a client. Returns all that it writes. */
export async function outputOf({ socket }: ClientProcess, line: string): Promise<string> {
  const { output } = call(socket, line);
  let text = "";
  for await (const chunk of output.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return text;
}

async function callHook(socket: string): Promise<readonly Ancestor[]> {
  const { value } = await createInterface(call(socket, HOOK).output)[Symbol.asyncIterator]().next();
  return JSON.parse(String(value)) as Ancestor[];
}

async function register(agent: string, input: Writable, next: () => Promise<string>): Promise<void> {
  const send = (message: object) => input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const clientInfo = { name: "claude-code", version: "1" };
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
  send({ id: 1, method: "initialize", params });
  await next();
  send({ method: "notifications/initialized" });
  send({ id: 2, method: "tools/call", params: { name: "register_agent", arguments: { name: agent } } });
  await next();
}
