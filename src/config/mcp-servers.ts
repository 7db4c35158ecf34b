import os from "node:os";
import path from "node:path";
import { z } from "zod";
import type { McpServer } from "../base/executor-policy.js";
import { BatonError } from "../base/errors.js";
import { isObject } from "../base/json.js";
import { hint, isName, NAME_RULE } from "../base/names.js";

const toolPatterns = () => z.array(z.string().min(1).max(200)).max(1_000).optional();
const variables = () => z.record(z.string().min(1), z.string());
const stdioServer = () =>
  z.strictObject({
    type: z.literal("stdio").optional(),
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    env: variables().default({}),
    /** Relative to the working directory, which is the default. */
    cwd: z.string().min(1).optional(),
    tools: toolPatterns(),
    disabled: z.boolean().optional(),
  });
const httpServer = () =>
  z.strictObject({
    type: z.enum(["http", "streamable-http", "streamableHttp"]).optional(),
    url: z.url({ protocol: /^https?$/, error: "must be a URL that begins with http:// or https://" }),
    headers: variables().default({}),
    tools: toolPatterns(),
    disabled: z.boolean().optional(),
  });
const knownKeys = () => [...new Set([...Object.keys(stdioServer().shape), ...Object.keys(httpServer().shape)])];

/** Each server by the form that it has, so that what is wrong is said of that form. */
const mcpServer = () =>
  z.looseObject({}).transform((written, ctx) => {
    const refuse = (message: string): never => {
      ctx.issues.push({ code: "custom", message, input: undefined });
      return z.NEVER;
    };
    if (written["type"] === "sse")
      return refuse('the transport "sse" is the old one and not spoken: most servers offer "http" too');
    if ("url" in written === "command" in written) return refuse("has either a command, or a url");
    const parsed = ("url" in written ? httpServer() : stdioServer()).safeParse(written);
    if (parsed.success) return parsed.data;
    // The value itself is not shown: it may be a secret.
    for (const { path: place, message } of parsed.error.issues)
      ctx.issues.push({ code: "custom", message, path: place, input: undefined });
    return z.NEVER;
  });
const serverName = () => z.string().refine(isName, { error: `a server's name needs ${NAME_RULE}` });
/** Schemas of servers are made for a person who has set some. */
export const mcpServersSchema = z.lazy(() => z.record(serverName(), mcpServer())).default({});

export interface VariableSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Returns the servers of a client's file that can be used, with a warning for each entry and key that is left out. Clients
 * write under `mcpServers`, VS Code under `servers` or `mcp.servers`, and each has keys of its own. Undefined where the file
 * has none of them.
 */
export function serversOfClient(
  data: object,
  sources: VariableSources,
): { readonly servers: Record<string, unknown>; readonly warnings: string[] } | undefined {
  const written =
    objectAt(data, "mcpServers") ?? objectAt(data, "servers") ?? objectAt(objectAt(data, "mcp"), "servers");
  if (written === undefined) return undefined;
  const warnings: string[] = [];
  const servers: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(written)) {
    if (isObject(entry) && (entry["disabled"] === true || entry["enabled"] === false)) continue;
    const { server, ignored } = withoutForeignKeys(entry);
    const { value, problem = nameProblem(name) ?? serverProblem(value) } = expandVariables(server, sources);
    if (problem !== undefined) {
      warnings.push(`the server "${name}" is left out: ${problem}`);
      continue;
    }
    if (ignored.length > 0) warnings.push(`the server "${name}": ${ignored.join(", ")} is not used here`);
    servers[name] = value;
  }
  return { servers, warnings };
}

/**
 * Fills in the variables of the servers that a person has written for Baton. What is no list of servers stays, and is
 * refused with its place. Throws `BatonError` `invalid_input` for a variable that cannot be filled in.
 */
export function expandServers(servers: unknown, sources: VariableSources): unknown {
  if (!isObject(servers)) return servers;
  const expanded = Object.entries(servers).map(([name, server]) => {
    if (isObject(server) && server["disabled"] === true) return [name, server] as const;
    const { value, problem } = expandVariables(server, sources);
    if (problem === undefined) return [name, value] as const;
    const message = `Invalid configuration: mcpServers.${name}: ${problem}. Set it, or write \${VAR:-default}.`;
    throw new BatonError("invalid_input", message, { details: { server: name } });
  });
  return Object.fromEntries(expanded);
}

function objectAt(data: object | undefined, key: string): Readonly<Record<string, unknown>> | undefined {
  const value: unknown = data && Object.getOwnPropertyDescriptor(data, key)?.value;
  return isObject(value) ? value : undefined;
}

/** Without the keys of other programs. A key that is nearly one of ours stays, and is refused: `tols` is no free pass to all tools. */
function withoutForeignKeys(entry: unknown): { server: unknown; ignored: readonly string[] } {
  if (!isObject(entry)) return { server: entry, ignored: [] };
  const named = Object.entries(entry)
    .filter(([key]) => key !== "enabled")
    .map(([key, value]) => [OTHER_NAMES.get(key) ?? key, value] as const);
  const known = knownKeys();
  const ignored = named.map(([key]) => key).filter((key) => !known.includes(key) && hint(key, known) === "");
  return { server: Object.fromEntries(named.filter(([key]) => !ignored.includes(key))), ignored };
}

/** Windsurf's and Gemini's names of a server's address. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["serverUrl", "url"],
  ["httpUrl", "url"],
]);

function nameProblem(name: string): string | undefined {
  return serverName().safeParse(name).error?.issues[0]?.message;
}

function serverProblem(server: unknown): string | undefined {
  const issue = mcpServer().safeParse(server).error?.issues[0];
  return issue && [issue.path.join("."), issue.message].filter(Boolean).join(" ");
}

/**
 * Fills in variables as in `expandServers`, in another value that a person has written. Throws `BatonError` `invalid_input`.
 */
export function expandValue(name: string, written: unknown, sources: VariableSources): unknown {
  const { value, problem } = expandVariables(written, sources);
  if (problem === undefined) return value;
  const message = `Invalid configuration: ${name}: ${problem}. Set it, or write \${VAR:-default}.`;
  throw new BatonError("invalid_input", message, { details: { path: name } });
}

const VARIABLE = /\$\{([^{}]*)\}/g;

/**
 * Fills in `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${workspaceFolder}` and `${userHome}` in every text of a server, as
 * clients do. The problem names a variable that is not set, or that only another client can fill in.
 */
function expandVariables(server: unknown, { env, cwd }: VariableSources): { value: unknown; problem?: string } {
  let problem: string | undefined;
  const fill = (whole: string, inner: string): string => {
    if (inner === "workspaceFolder") return cwd;
    if (inner === "userHome") return os.homedir();
    const [, name = "", fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? [];
    const value = name === "" ? undefined : env[name] === "" ? fallback : (env[name] ?? fallback);
    if (value !== undefined) return value;
    if (name !== "" && env[name] !== undefined) return "";
    problem ??= name === "" ? `${whole} is nothing that Baton fills in` : `the variable ${name} is not set`;
    return whole;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(VARIABLE, fill);
    if (Array.isArray(value)) return value.map(walk);
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one)])) : value;
  };
  const value = walk(server);
  return { value, ...(problem !== undefined && { problem }) };
}

/** The servers that are switched on. */
export function serversOf(servers: z.output<typeof mcpServersSchema>, cwd: string): McpServer[] {
  return Object.entries(servers).flatMap(([name, { disabled = false, tools, ...server }]): McpServer[] => {
    if (disabled) return [];
    const named = { name, ...(tools !== undefined && { tools }) };
    if ("url" in server) return [{ ...named, type: "http", url: server.url, headers: server.headers }];
    const { command, args, env } = server;
    return [{ ...named, type: "stdio", command, args, env, cwd: path.resolve(cwd, server.cwd ?? ".") }];
  });
}
