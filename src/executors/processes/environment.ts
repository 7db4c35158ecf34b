import { BatonError } from "../../base/errors.js";

// Variables that programs need to find themselves, their home, their language and their temporary directory; no more.
const INHERITED = new Set(["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TMPDIR", "TZ"]);
const INHERITED_ON_WINDOWS = new Set(
  (
    "SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT TEMP TMP USERNAME USERPROFILE HOMEDRIVE HOMEPATH " +
    "APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROCESSOR_ARCHITECTURE"
  ).split(" "),
);
const RESERVED_PREFIX = "BATON_";
const INPUT_PREFIX = "BATON_INPUT_";

/** Linux takes no single `NAME=value` of more than 32 pages, its end included (MAX_ARG_STRLEN in execve(2)). */
export const VARIABLE_BYTES_MAX = 128 * 1024 - 1;

/** The few variables of the server's environment that a command may see. None of them holds a secret by its purpose. */
export function minimalEnvironment(server: NodeJS.ProcessEnv): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(server)) {
    if (value !== undefined && isInherited(name)) environment[name] = value;
  }
  return { ...environment, TERM: "dumb" };
}

function isInherited(name: string): boolean {
  if (INHERITED.has(name) || name.startsWith("LC_")) return true;
  // Names are compared without case there (`Path`).
  if (process.platform !== "win32") return false;
  const upper = name.toUpperCase();
  return INHERITED.has(upper) || INHERITED_ON_WINDOWS.has(upper);
}

/**
 * A step's own `env` and its inputs, as a command gets them on top of the minimal environment. Errors: `invalid_input`
 * for a name that is none or begins with `BATON_`, for NUL, for inputs that collide; `limit_exceeded` for a value that
 * no process can be handed.
 */
export function commandEnvironment(
  env: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, string> {
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new BatonError("invalid_input", `env: ${JSON.stringify(name)} is not the name of an environment variable`);
    }
    if (name.toUpperCase().startsWith(RESERVED_PREFIX)) {
      const message = `env: ${name}: names that begin with ${RESERVED_PREFIX} are set by the server`;
      throw new BatonError("invalid_input", message);
    }
    checkValue(`env ${name}`, name, value);
  }
  return { ...env, ...inputEnvironment(inputs) };
}

/**
 * Each input as `BATON_INPUT_NAME`: the name in upper case with `_` for whatever is no ASCII letter or digit, strings as
 * they are, null as the empty text, everything else as JSON. Errors: as `commandEnvironment`.
 */
export function inputEnvironment(inputs: Readonly<Record<string, unknown>>): Record<string, string> {
  const origin = new Map<string, string>();
  const environment: Record<string, string> = {};
  for (const [input, value] of Object.entries(inputs)) {
    if (value === undefined) continue;
    const name = INPUT_PREFIX + input.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    const other = origin.get(name);
    if (other !== undefined) {
      throw new BatonError("invalid_input", `the inputs ${other} and ${input} would both be ${name} in a command`);
    }
    const text = inputText(value);
    checkValue(`input ${input}`, name, text);
    origin.set(name, input);
    environment[name] = text;
  }
  return environment;
}

function inputText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null ? "" : JSON.stringify(value);
}

function checkValue(what: string, name: string, value: string): void {
  if (value.includes("\0"))
    throw new BatonError("invalid_input", `${what} contains NUL, which no command can be given`);
  const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
  if (bytes > VARIABLE_BYTES_MAX) {
    const limit = VARIABLE_BYTES_MAX - Buffer.byteLength(name) - 1;
    throw new BatonError("limit_exceeded", `${what} is too long for a command: at most ${limit} bytes`, {
      details: { bytes_max: limit },
    });
  }
}
