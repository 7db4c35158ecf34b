import path from "node:path";
import { type ProcessMark, readIfThere, statOf } from "./processes.js";

/** A process above another one. */
export interface Ancestor extends ProcessMark {
  readonly name: string;
  /** Words of its command line; empty where they cannot be read. */
  readonly commandLine: readonly string[];
  /** Whether it is the first process of a terminal: the shell a person types into. */
  readonly leadsTerminal: boolean;
}

const ANCESTORS_MAX = 32;
const PS_MS_MAX = 1_000;

/**
 * Returns the processes above this one, the nearest first: from /proc, where there is none from `ps`, and on Windows, which tells
 * neither quickly, the parent alone. Empty where nothing can be told.
 */
export async function ancestors(): Promise<readonly Ancestor[]> {
  if (process.platform === "linux") return ancestorsInProc();
  if (process.platform === "win32") return [nameless(process.ppid)];
  try {
    return ancestorsIn(await listProcesses(), process.ppid);
  } catch {
    return [nameless(process.ppid)];
  }
}

/** The same where there is a /proc; empty elsewhere. */
export function ancestorsInProc(): readonly Ancestor[] {
  return chainFrom(process.ppid, (pid) => {
    const stat = statOf(pid);
    if (stat === undefined) return undefined;
    const { name, fields, startedAt: processStartedAt } = stat;
    const [parent, session, terminal] = [Number(fields[1]), Number(fields[3]), Number(fields[4])];
    const commandLine = (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").filter((word) => word !== "");
    const leadsTerminal = session === pid && terminal !== 0;
    return { parent, ancestor: { pid, processStartedAt, name, commandLine, leadsTerminal } };
  });
}

/** All processes as `ps` lists them, which every POSIX system without /proc has. */
export async function listProcesses(): Promise<string> {
  const columns = ["pid=", "ppid=", "stat=", "tty=", "lstart=", "args="].flatMap((column) => ["-o", column]);
  // Loaded here alone: most systems have /proc, and a hook runs at each edit.
  const [{ execFile }, { promisify }] = await Promise.all([import("node:child_process"), import("node:util")]);
  // One language and one time zone: the start of a process is compared with what another process has read.
  const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" };
  const options = { env, timeout: PS_MS_MAX, maxBuffer: 16 * 1024 * 1024 };
  return (await promisify(execFile)("ps", ["-A", ...columns], options)).stdout;
}

const PS_LINE = /^ *(\d+) +(\d+) +(\S+) +(\S+) +(\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}) (.*)$/;

/** The chain above a process in what `listProcesses` returns. */
export function ancestorsIn(list: string, pid: number): readonly Ancestor[] {
  const lines = new Map(list.split("\n").map((line) => [Number(/^ *\d+/.exec(line)?.[0]), line]));
  return chainFrom(pid, (id) => {
    const [, , parent, stat = "", terminal = "?", start = "", args = ""] = PS_LINE.exec(lines.get(id) ?? "") ?? [];
    if (parent === undefined) return undefined;
    const commandLine = args.split(" ");
    const processStartedAt = Date.parse(`${start} UTC`);
    const leadsTerminal = stat.includes("s") && !terminal.startsWith("?");
    const name = path.basename(commandLine[0] ?? "");
    return { parent: Number(parent), ancestor: { pid: id, processStartedAt, name, commandLine, leadsTerminal } };
  });
}

type ReadProcess = (pid: number) => { readonly parent: number; readonly ancestor: Ancestor } | undefined;

function chainFrom(first: number, read: ReadProcess): readonly Ancestor[] {
  const found: Ancestor[] = [];
  for (let pid = first; pid > 1 && found.length < ANCESTORS_MAX;) {
    const one = read(pid);
    if (one === undefined) break;
    found.push(one.ancestor);
    pid = one.parent;
  }
  return found;
}

function nameless(pid: number): Ancestor {
  return { pid, processStartedAt: 0, name: "", commandLine: [], leadsTerminal: false };
}

/** Programs that clients start a server through, and that start it in turn. */
const WRAPPERS =
  /^-?(?:npm|npx|pnpm|pnpx|yarn|yarnpkg|bunx|corepack|volta|fnm|mise|asdf|sh|bash|dash|ash|zsh|fish|ksh|busybox|env|nice|timeout|setsid|nohup|direnv|tini|dumb-init)(?:-cli)?(?:\.[cm]?js)?$/;

/** The client that started this process: the first ancestor that is none of the wrappers. Undefined below a person's own shell. */
export function clientAmong(above: readonly Ancestor[]): ProcessMark | undefined {
  const client = above.find((ancestor) => ancestor.leadsTerminal || !isWrapper(ancestor));
  if (client === undefined || (client.leadsTerminal && isWrapper(client))) return undefined;
  return { pid: client.pid, processStartedAt: client.processStartedAt };
}

function isWrapper({ name, commandLine: [program = "", script = ""] }: Ancestor): boolean {
  // npm writes its command over its own command line, as one word: "npm exec baton-mcp".
  const own = program.startsWith("/") ? path.basename(program) : (program.split(" ")[0] ?? "");
  if (WRAPPERS.test(own) || WRAPPERS.test(name.split(" ")[0] ?? "")) return true;
  return /^node$/.test(own) && WRAPPERS.test(path.basename(script));
}
