import fs from "node:fs";
import path from "node:path";
import envPaths from "env-paths";
import { z } from "zod";
import { AREAS } from "./base/areas.js";
import { BatonError } from "./base/errors.js";
import type { CommandPolicy, McpServer } from "./base/executor-policy.js";
import { hint, isName, NAME_RULE } from "./base/names.js";
import { PRESENT_NAMES, type Settings, settingsSchema, withPresentNames } from "./base/settings.js";

/** The configuration of a server process: one frozen object, and the origin of each value. */
export interface Config {
  readonly database: DatabaseConfig;
  /** Areas listed beside the default tools, or `all`. */
  readonly toolsets: readonly string[];
  /** Which command steps this process runs. Never set by a project's file or through a tool. */
  readonly commands: CommandPolicy;
  /** Other MCP servers whose tools steps of workflows may call through this process. Likewise never set there. */
  readonly mcpServers: readonly McpServer[];
  /** Where the output of commands is kept. Absolute. */
  readonly outputDirectory: string;
  /** Where the person's own templates are. Absolute. */
  readonly templatesDirectory: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly settings: Settings;
  /** By name: `default`, `flag --…`, `environment BATON_…` or the file. */
  readonly origins: Readonly<Record<string, string>>;
}

export type DatabaseConfig =
  | { readonly kind: "sqlite"; readonly file: string; readonly synchronous: "FULL" | "NORMAL" }
  | { readonly kind: "postgres"; readonly url: string; readonly connections: number };

/** Flags a person typed; undefined means not typed. */
export interface Flags {
  /** A SQLite file. */
  readonly db?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly toolsets?: string | undefined;
  readonly allowCommands?: boolean | undefined;
  /** A file with `mcpServers`, in the format of MCP clients. */
  readonly mcpConfig?: string | undefined;
  readonly logLevel?: string | undefined;
}

export interface ConfigSources {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
const TOOLSETS = [...AREAS, "all"] as const;
const FILE_NAME = "baton.json";
const PREFIX = "BATON_";

// A list may be written as one text with commas, which is how flags and the environment have it.
const toolsetsSchema = z.preprocess(
  (value) =>
    typeof value === "string"
      ? value
          .split(",")
          .map((name) => name.trim())
          .filter(Boolean)
      : value,
  z.array(z.enum(TOOLSETS)),
);

/** Keys allowed in a project's own file. It comes with the repository, so nothing in it reaches beyond the project. */
const sharedShape = { ...settingsSchema.shape, toolsets: toolsetsSchema.default([]) } as const;

const toolPatterns = z.array(z.string().min(1).max(200)).max(1_000).optional();
const variables = z.record(z.string().min(1), z.string());
const stdioServer = z.strictObject({
  type: z.literal("stdio").optional(),
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: variables.default({}),
  /** Relative to the working directory, which is the default. */
  cwd: z.string().min(1).optional(),
  tools: toolPatterns,
  disabled: z.boolean().optional(),
});
const httpServer = z.strictObject({
  type: z.enum(["http", "streamable-http"]).optional(),
  url: z.url({ protocol: /^https?$/, error: "must be a URL that begins with http:// or https://" }),
  headers: variables.default({}),
  tools: toolPatterns,
  disabled: z.boolean().optional(),
});

/** Each server by the form that it has, so that what is wrong is said of that form. */
const mcpServerSchema = z.looseObject({}).transform((written, ctx) => {
  const refuse = (message: string): never => {
    ctx.issues.push({ code: "custom", message, input: undefined });
    return z.NEVER;
  };
  if (written["type"] === "sse")
    return refuse('the transport "sse" is the old one and not spoken: most servers offer "http" too');
  if ("url" in written === "command" in written) return refuse("has either a command, or a url");
  const parsed = ("url" in written ? httpServer : stdioServer).safeParse(written);
  if (parsed.success) return parsed.data;
  // The value itself is not shown: it may be a secret.
  for (const { path: place, message } of parsed.error.issues)
    ctx.issues.push({ code: "custom", message, path: place, input: undefined });
  return z.NEVER;
});
const mcpServersSchema = z
  .record(z.string().refine(isName, { error: `a server's name needs ${NAME_RULE}` }), mcpServerSchema)
  .default({});

/** Keys that only the person who starts the server may set. */
const ownShape = {
  log_level: z.enum(LOG_LEVELS).default("warn"),
  db: z.string().min(1).optional(),
  database_url: z
    .string()
    .regex(/^postgres(?:ql)?:\/\//, "must begin with postgres://")
    .optional(),
  /** Per process, at most; they are opened as they are needed. */
  database_connections: z.int().min(1).max(1_000).default(8),
  sqlite_synchronous: z.enum(["FULL", "NORMAL"]).default("FULL"),
  /** Relative to the working directory. Default: `output` in the person's data directory. */
  output_directory: z.string().min(1).optional(),
  /** Likewise. Default: `templates` in the person's configuration directory. */
  templates_directory: z.string().min(1).optional(),
  allow_commands: z.union([z.boolean(), z.array(z.string().min(1))]).default(false),
  /** Spelt as all clients spell it. */
  mcpServers: mcpServersSchema,
} as const;

const schema = z.object({ ...sharedShape, ...ownShape });
/** As the environment has them: `tick_ms` is BATON_TICK_MS, `mcpServers` BATON_MCP_SERVERS. */
const variableOf = (name: string): string => PREFIX + name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
type Name = keyof typeof schema.shape;
const NAMES = Object.keys(schema.shape) as Name[];
/** With the settings they set; those of former names come last, so that a present one decides. */
const VARIABLES: ReadonlyMap<string, Name> = new Map([
  ...NAMES.map((name) => [variableOf(name), name] as const),
  ...Object.entries(PRESENT_NAMES).map(([former, name]) => [variableOf(former), name] as const),
]);
/** Every variable that is read here. */
export const SETTING_VARIABLES: readonly string[] = [...VARIABLES.keys()];

/**
 * Reads flags, then BATON_* variables, then the project's baton.json (searched upwards from `cwd` to the git root),
 * then the person's own, then the defaults: the first that names a value decides.
 * Throws `BatonError` `invalid_input` naming the place of a value that is unknown or wrong.
 */
export function loadConfig({ flags, env, cwd }: ConfigSources): Config {
  const own = envPaths("baton", { suffix: "" });
  const values = new Map<Name, { value: unknown; origin: string }>();
  const take = (name: Name, value: unknown, origin: string) => {
    if (value !== undefined && !values.has(name)) values.set(name, { value, origin });
  };
  take("db", flags.db, "flag --db");
  take("database_url", flags.databaseUrl, "flag --database-url");
  take("toolsets", flags.toolsets, "flag --toolsets");
  take("allow_commands", flags.allowCommands, "flag --allow-commands");
  take("log_level", flags.logLevel, "flag --log-level");
  if (flags.mcpConfig !== undefined)
    take("mcpServers", serversOfFile(path.resolve(cwd, flags.mcpConfig)), "flag --mcp-config");
  for (const [variable, name] of VARIABLES) {
    const text = env[variable];
    // A file named on the command line wins over a database URL in the environment.
    if (name === "database_url" && flags.db !== undefined) continue;
    // An empty variable is how a client's configuration leaves one unset.
    if (text !== undefined && text !== "") take(name, fromText(name, text), `environment ${variable}`);
  }
  const projectFile = findUpwards(cwd);
  if (projectFile !== undefined) {
    for (const [name, value] of readFile(projectFile, Object.keys(sharedShape))) take(name, value, projectFile);
  }
  const ownFile = path.join(own.config, FILE_NAME);
  if (fs.existsSync(ownFile)) {
    for (const [name, value] of readFile(ownFile, NAMES)) {
      if (name !== "database_url" || flags.db === undefined) take(name, value, ownFile);
    }
  }
  const parsed = parse(values);
  return deepFreeze({
    database: databaseOf(parsed, own.data, cwd),
    toolsets: parsed.toolsets,
    commands: commandsOf(parsed.allow_commands),
    mcpServers: serversOf(parsed.mcpServers, cwd),
    outputDirectory: path.resolve(cwd, parsed.output_directory ?? path.join(own.data, "output")),
    templatesDirectory: path.resolve(cwd, parsed.templates_directory ?? path.join(own.config, "templates")),
    logLevel: parsed.log_level,
    settings: settingsSchema.parse(parsed),
    origins: Object.fromEntries(NAMES.map((name) => [name, values.get(name)?.origin ?? "default"])),
  });
}

type Parsed = z.output<typeof schema>;

function parse(values: ReadonlyMap<Name, { value: unknown; origin: string }>): Parsed {
  const parsed = schema.safeParse(Object.fromEntries([...values].map(([name, { value }]) => [name, value])));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const { path: place } = issue;
    // An invalid key is reported with the reason, not only as invalid.
    const message = (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;
    const origin = NAMES.find((known) => known === place[0]);
    return `${place.join(".")} (${(origin && values.get(origin)?.origin) ?? "default"}): ${message}`;
  });
  throw new BatonError("invalid_input", `Invalid configuration: ${problems.join("; ")}.`, {
    details: { problems },
  });
}

const AS_TEXT: ReadonlySet<Name> = new Set([
  ...(["db", "database_url", "toolsets", "log_level", "output_directory", "templates_directory"] as const),
  "sqlite_synchronous",
]);

/** A variable's text is the value itself where the setting takes text, and is parsed where it is JSON: a number, true or false, a list. */
function fromText(name: Name, text: string): unknown {
  if (AS_TEXT.has(name)) return text;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema says what it should have been.
    return text;
  }
}

function readObject(file: string): object {
  let data: unknown;
  try {
    data = JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    // A parser's message quotes the text, which may be a secret.
    const why = error instanceof SyntaxError ? "is not valid JSON" : `cannot be read: ${String(error)}`;
    throw new BatonError("invalid_input", `${file} ${why}.`, { details: { file } });
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return data;
  throw new BatonError("invalid_input", `${file} must hold one JSON object.`, { details: { file } });
}

/** `mcpServers` of a client's file, whatever else it holds. */
function serversOfFile(file: string): unknown {
  const data = readObject(file);
  if ("mcpServers" in data) return data.mcpServers;
  throw new BatonError("invalid_input", `${file} has no "mcpServers".`, { details: { file } });
}

function* readFile(file: string, known: readonly string[]): Generator<[Name, unknown]> {
  for (const [key, value] of Object.entries(withPresentNames(readObject(file)))) {
    if (key === "$schema") continue;
    const name = NAMES.find((candidate) => candidate === key);
    if (name === undefined) {
      throw new BatonError("invalid_input", `${file}: unknown setting "${key}"${hint(key, known)}.`, {
        details: { file, key },
      });
    }
    if (!known.includes(name)) {
      const message = `${file}: "${key}" reaches beyond the project, so it is taken only from your own configuration, a flag or the environment.`;
      throw new BatonError("not_permitted", message, { details: { file, key } });
    }
    yield [name, value];
  }
}

function findUpwards(cwd: string): string | undefined {
  for (let directory = path.resolve(cwd); ;) {
    const file = path.join(directory, FILE_NAME);
    if (fs.existsSync(file)) return file;
    const parent = path.dirname(directory);
    if (parent === directory || fs.existsSync(path.join(directory, ".git"))) return undefined;
    directory = parent;
  }
}

function databaseOf(parsed: Parsed, dataDirectory: string, cwd: string): DatabaseConfig {
  if (parsed.database_url !== undefined)
    return { kind: "postgres", url: parsed.database_url, connections: parsed.database_connections };
  const file = parsed.db === undefined ? path.join(dataDirectory, "baton.db") : path.resolve(cwd, parsed.db);
  return { kind: "sqlite", file, synchronous: parsed.sqlite_synchronous };
}

function commandsOf(allowed: boolean | readonly string[]): CommandPolicy {
  if (allowed === true) return { kind: "all" };
  if (allowed === false || allowed.length === 0) return { kind: "off" };
  return { kind: "patterns", patterns: allowed };
}

function serversOf(servers: Parsed["mcpServers"], cwd: string): McpServer[] {
  return Object.entries(servers).flatMap(([name, { disabled = false, tools, ...server }]): McpServer[] => {
    if (disabled) return [];
    const named = { name, ...(tools !== undefined && { tools }) };
    if ("url" in server) return [{ ...named, type: "http", url: server.url, headers: server.headers }];
    const { command, args, env } = server;
    return [{ ...named, type: "stdio", command, args, env, cwd: path.resolve(cwd, server.cwd ?? ".") }];
  });
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}

/** Each setting with what it is and who said so, by name. */
export function settingsWithOrigins({ settings, origins }: Config) {
  return Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value, origin: origins[name] ?? "default" }));
}

/** Whether the database exists already. For PostgreSQL only the server can tell, so the answer is yes. */
export function databaseIsThere({ database }: Config): boolean {
  return database.kind === "postgres" || fs.existsSync(database.file);
}
