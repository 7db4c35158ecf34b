import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { AREAS } from "./base/areas.js";
import { BatonError, hasCode, messageOf } from "./base/errors.js";
import type { CommandPolicy, McpServer } from "./base/executor-policy.js";
import { allowCommandsSchema, commandsOf, realDirectory, rootsSchema } from "./config/commands.js";
import { isObject } from "./base/json.js";
import { hint } from "./base/names.js";
import type { NotificationTarget } from "./base/notifications/targets.js";
import type { OwnPrices } from "./base/prices.js";
import {
  documentedValue,
  DOCUMENTED_VARIABLES,
  PRESENT_NAMES,
  type Settings,
  settingsSchema,
  withPresentNames,
} from "./base/settings.js";
import { defaultSettings } from "./base/settings/defaults.js";
import { flawOfError, parseJsonc, placeOfError } from "./config/jsonc.js";
import {
  expandServers,
  expandValue,
  mcpServersSchema,
  serversOf,
  serversOfClient,
  type VariableSources,
} from "./config/mcp-servers.js";
import { notificationsSchema, targetsOf } from "./config/notifications.js";
import { pricesSchema } from "./config/prices.js";
import { CONFIG_FILE, DATABASE_FILE, type DatabaseConfig, ownDirectories } from "./config/database.js";
import { absolutePath } from "./config/paths.js";
import { LOWERABLE, readRepositoryFile } from "./config/repository-file.js";

/** The configuration of a server process: one frozen object, and the origin of each value. */
export interface Config {
  readonly database: DatabaseConfig;
  /** Areas listed beside the default tools, or `all`. */
  readonly toolsets: readonly string[];
  /** Which command steps this process runs. Never set by a project's file or through a tool. */
  readonly commands: CommandPolicy;
  /** Directories in which this process makes projects and runs commands. Absolute, real; undefined: everywhere. */
  readonly allowedRoots: readonly string[] | undefined;
  /** Whether this process only reads: it changes no row, keeps no session and does no background work. */
  readonly readOnly: boolean;
  /** Other MCP servers whose tools steps of workflows may call through this process. Likewise never set there. */
  readonly mcpServers: readonly McpServer[];
  /** Where the output of commands is kept. Absolute. */
  readonly outputDirectory: string;
  /** Where the person's own templates are. Absolute. */
  readonly templatesDirectory: string;
  /** Own prices of models. */
  readonly prices: OwnPrices;
  /** Where this process tells a person of what happens. Never set by a project's file or through a tool. */
  readonly notifications: readonly NotificationTarget[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly settings: Settings;
  /** By name: `default`, `flag --…`, `environment BATON_…` or the file. */
  readonly origins: Readonly<Record<string, string>>;
  /** Sentences about what was found and left out. */
  readonly warnings: readonly string[];
}

/** Flags a person typed; undefined means not typed. */
export interface Flags {
  /** A SQLite file. */
  readonly db?: string | undefined;
  readonly databaseUrl?: string | undefined;
  readonly toolsets?: string | undefined;
  readonly allowCommands?: boolean | undefined;
  /** A file with `mcpServers`, in the format of MCP clients. */
  readonly mcpConfig?: string | undefined;
  readonly readOnly?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

export interface ConfigSources {
  readonly flags: Flags;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
const TOOLSETS = [...AREAS, "all"] as const;
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

/** Keys of a repository's own file: which tools are listed there, and limits that it may only lower. */
const REPOSITORY_NAMES: readonly string[] = ["toolsets", ...LOWERABLE];

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
  /** Default: `output` in the person's data directory. */
  output_directory: z.string().min(1).optional(),
  /** Default: `templates` in the person's configuration directory. */
  templates_directory: z.string().min(1).optional(),
  allow_commands: allowCommandsSchema.default(false),
  /** Directories in which projects are made and commands run, and nowhere else. Default: everywhere. */
  allowed_roots: rootsSchema.optional(),
  /** Neither calls that change anything nor commands and tools of other servers. */
  read_only: z.preprocess((value) => (value === 1 ? true : value === 0 ? false : value), z.boolean()).default(false),
  /** Own prices of models, over the published ones. */
  prices: pricesSchema.default({}),
  /** Where a person is told of what waits for a decision, and of other events. */
  notifications: notificationsSchema,
  /** Spelt as all clients spell it. */
  mcpServers: mcpServersSchema,
} as const;

const schema = z.object({ ...settingsSchema.shape, toolsets: toolsetsSchema.default([]), ...ownShape });
/** As the environment has them: `tick_ms` is BATON_TICK_MS, `mcpServers` BATON_MCP_SERVERS, `targets.a` BATON_TARGETS_A. */
const variableOf = (name: string): string =>
  PREFIX + name.replaceAll(/[A-Z]/g, "_$&").replaceAll(".", "_").toUpperCase();
type Name = keyof typeof schema.shape;
const NAMES = Object.keys(schema.shape) as Name[];
const SETTING_NAMES = Object.keys(settingsSchema.shape) as (keyof Settings)[];
/** With the settings they set; those of former names come last, so that a present one decides. */
const VARIABLES: ReadonlyMap<string, Name> = new Map([
  ...NAMES.map((name) => [variableOf(name), name] as const),
  ...Object.entries(PRESENT_NAMES).map(([former, name]) => [variableOf(former), name] as const),
  ...Object.entries(DOCUMENTED_VARIABLES),
]);
/** Every variable that is read here. */
export const SETTING_VARIABLES: readonly string[] = [...VARIABLES.keys()];

interface Given {
  readonly value: unknown;
  /** As in `Config.origins`. */
  readonly origin: string;
  /** The directory at which relative paths start, where they may be relative. */
  readonly base?: string;
}
type Values = Map<Name, Given>;

/**
 * Reads flags, then BATON_* variables, then the person's own baton.json, then the defaults: the first that names a value
 * decides. A baton.json of the repository (searched upwards from `cwd` to the git root) may lower limits.
 * Throws `BatonError` `invalid_input` naming the place of a value that is unknown or wrong.
 */
export function loadConfig(sources: ConfigSources): Config {
  const { cwd } = sources;
  const own = ownDirectories();
  const values: Values = new Map();
  const warnings: string[] = [];
  takeTyped(values, sources, warnings);
  const repository = readRepositoryFile(cwd, CONFIG_FILE);
  if (repository.warning !== undefined) warnings.push(repository.warning);
  const lowered = repository.found && repositoryValues(repository.found);
  const toolsets = lowered?.get("toolsets");
  if (toolsets !== undefined && !values.has("toolsets")) values.set("toolsets", toolsets);
  const ownFile = path.join(own.config, CONFIG_FILE);
  if (fs.existsSync(ownFile)) {
    for (const [name, written] of readFile(parseObject(ownFile, readText(ownFile)), ownFile)) {
      const isSet = values.has(name) || (name === "database_url" && sources.flags.db !== undefined);
      if (!isSet) values.set(name, { value: filledIn(name, written, sources), origin: ownFile, base: own.config });
    }
  }
  const parsed = lower(parse(values), values, lowered);
  const allowedRoots = parsed.allowed_roots?.map(realDirectory);
  const placed = (name: "db" | "output_directory" | "templates_directory", otherwise: string) =>
    pathOf(parsed[name], { name, given: values.get(name) }) ?? otherwise;
  return deepFreeze({
    database: databaseOf(parsed, placed("db", path.join(own.data, DATABASE_FILE))),
    toolsets: parsed.toolsets,
    commands: commandsOf(parsed.read_only ? false : parsed.allow_commands, allowedRoots),
    allowedRoots,
    readOnly: parsed.read_only,
    mcpServers: parsed.read_only ? [] : serversOf(parsed.mcpServers, cwd),
    outputDirectory: placed("output_directory", path.join(own.data, "output")),
    templatesDirectory: placed("templates_directory", path.join(own.config, "templates")),
    prices: parsed.prices,
    notifications: parsed.read_only ? [] : targetsOf(parsed.notifications),
    logLevel: parsed.log_level,
    settings: Object.fromEntries(SETTING_NAMES.map((name) => [name, parsed[name]])) as Settings,
    origins: Object.fromEntries(NAMES.map((name) => [name, values.get(name)?.origin ?? "default"])),
    warnings,
  });
}

/** Fills in the variables where a value may name some. */
function filledIn(name: Name, written: unknown, sources: VariableSources): unknown {
  if (name === "mcpServers") return expandServers(serversIn(written), sources);
  return name === "notifications" ? expandValue(name, written, sources) : written;
}

/** Unwraps what stands in a client's file, which a variable may hold whole. */
function serversIn(written: unknown): unknown {
  const keys = isObject(written) ? Object.keys(written) : [];
  return isObject(written) && keys.length === 1 && isObject(written["mcpServers"]) ? written["mcpServers"] : written;
}

/** Takes the flags and variables of this start. */
function takeTyped(values: Values, { flags, env, cwd }: ConfigSources, warnings: string[]): void {
  const take = (name: Name, value: unknown, origin: string) => {
    if (value === undefined || values.has(name)) return;
    const base = origin.startsWith("flag") ? { base: cwd } : {};
    values.set(name, { value: filledIn(name, value, { env, cwd }), origin, ...base });
  };
  take("db", flags.db, "flag --db");
  take("database_url", flags.databaseUrl, "flag --database-url");
  take("toolsets", flags.toolsets, "flag --toolsets");
  take("allow_commands", flags.allowCommands, "flag --allow-commands");
  take("read_only", flags.readOnly, "flag --read-only");
  take("log_level", flags.logLevel, "flag --log-level");
  if (flags.mcpConfig !== undefined) {
    const origin = "flag --mcp-config";
    const file = absolutePath({ name: "mcpServers", text: flags.mcpConfig, origin, base: cwd });
    const found = serversOfClient(parseObject(file, readText(file)), { env, cwd });
    if (found === undefined)
      throw new BatonError("invalid_input", `${file} has no "mcpServers".`, { details: { file } });
    values.set("mcpServers", { value: found.servers, origin });
    warnings.push(...found.warnings.map((warning) => `${file}: ${warning}.`));
  }
  for (const [variable, name] of VARIABLES) {
    const text = env[variable];
    // A file named on the command line wins over a database URL in the environment.
    if (name === "database_url" && flags.db !== undefined) continue;
    // An empty variable is how a client's configuration leaves one unset.
    if (text !== undefined && text !== "")
      take(name, documentedValue(variable, fromText(name, text)), `environment ${variable}`);
  }
}

/** Values of a repository's own file. Throws `not_permitted` for a key that reaches beyond the repository. */
function repositoryValues({ file, text }: { readonly file: string; readonly text: string }): Values {
  const values: Values = new Map();
  for (const [name, value] of readFile(parseObject(file, text), file, REPOSITORY_NAMES)) {
    if (!REPOSITORY_NAMES.includes(name)) {
      const message =
        `${file}: "${name}" reaches beyond this repository, so it is taken only from your own configuration, a flag or the environment. ` +
        `A repository's file may lower ${LOWERABLE.join(", ")}, and list toolsets.`;
      throw new BatonError("not_permitted", message, { details: { file, key: name } });
    }
    values.set(name, { value, origin: file });
  }
  return values;
}

/** Applies the limits of the repository's file where they are lower than those in force, and says so in `values`. */
function lower(parsed: Parsed, values: Values, lowered: Values | undefined): Parsed {
  if (lowered === undefined) return parsed;
  const wanted = parse(lowered);
  const result: Parsed = { ...parsed };
  for (const name of LOWERABLE) {
    const given = lowered.get(name);
    if (given === undefined || Number(wanted[name]) >= Number(parsed[name])) continue;
    Object.assign(result, { [name]: wanted[name] });
    values.set(name, given);
  }
  return result;
}

function pathOf(
  text: string | undefined,
  { name, given }: { readonly name: string; readonly given: Given | undefined },
): string | undefined {
  if (text === undefined) return undefined;
  return absolutePath({ name, text, origin: given?.origin ?? "default", base: given?.base });
}

type Parsed = z.output<typeof schema>;

function parse(values: Values): Parsed {
  const given = Object.fromEntries([...values].map(([name, { value }]) => [name, value]));
  // A compiled check would take longer to make than this one takes, which is done once.
  const parsed = schema.safeParse({ ...defaultSettings, ...given }, { jitless: true });
  if (parsed.success) return requireRenewedInTime(parsed.data, values);
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

/** Throws `BatonError` `invalid_input` for sessions that would end before they are renewed: their tasks would be taken back again and again. */
function requireRenewedInTime(parsed: Parsed, values: Values): Parsed {
  const { session_renew_ms: renew, session_ttl_ms: ttl } = parsed;
  if (renew < ttl) return parsed;
  const originOf = (name: Name) => `${name} (${values.get(name)?.origin ?? "default"})`;
  throw new BatonError(
    "invalid_input",
    `Invalid configuration: a session that lives ${ttl} ms, ${originOf("session_ttl_ms")}, must be renewed sooner than every ${renew} ms, ${originOf("session_renew_ms")}.`,
    { details: { session_renew_ms: renew, session_ttl_ms: ttl } },
  );
}

const AS_TEXT: ReadonlySet<Name> = new Set([
  ...(["db", "database_url", "toolsets", "log_level", "output_directory", "templates_directory"] as const),
  "sqlite_synchronous",
]);

const SWITCHES: ReadonlySet<string> = new Set(
  Object.entries(defaultSettings).flatMap(([name, value]) => (typeof value === "boolean" ? [name] : [])),
);
/** The spellings of on and off that variables of other programs have. */
const [ON, OFF] = [/^(?:1|on|yes|true)$/i, /^(?:0|off|no|false)$/i];

/** A variable's text is the value itself where the setting takes text, and is parsed where it is JSON: a number, true or false, a list. */
function fromText(name: Name, text: string): unknown {
  if (AS_TEXT.has(name)) return text;
  if (SWITCHES.has(name) && ON.test(text)) return true;
  if (SWITCHES.has(name) && OFF.test(text)) return false;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema says what it should have been.
    return text;
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT"))
      throw new BatonError("invalid_input", `There is no file ${file}.`, { details: { file } });
    throw new BatonError("invalid_input", `${file} cannot be read: ${messageOf(error)}.`, { details: { file } });
  }
}

function parseObject(file: string, text: string): object {
  let data: unknown;
  try {
    data = parseJsonc(text);
  } catch (error) {
    // A parser's message quotes the text, which may be a secret: only the place is told.
    throw new BatonError("invalid_input", `${file}${placeOfError(error, text)}: not valid JSON${flawOfError(error)}.`, {
      details: { file },
    });
  }
  if (typeof data === "object" && data !== null && !Array.isArray(data)) return data;
  throw new BatonError("invalid_input", `${file} must hold one JSON object.`, { details: { file } });
}

function* readFile(data: object, file: string, known: readonly string[] = NAMES): Generator<[Name, unknown]> {
  for (const [key, value] of Object.entries(withPresentNames(data))) {
    if (key === "$schema") continue;
    const name = NAMES.find((candidate) => candidate === key);
    if (name === undefined) {
      throw new BatonError("invalid_input", `${file}: unknown setting "${key}"${hint(key, known)}.`, {
        details: { file, key },
      });
    }
    yield [name, value];
  }
}

function databaseOf(parsed: Parsed, file: string): DatabaseConfig {
  if (parsed.database_url !== undefined)
    return { kind: "postgres", url: parsed.database_url, connections: parsed.database_connections };
  return { kind: "sqlite", file, synchronous: parsed.sqlite_synchronous, isDefault: parsed.db === undefined };
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
