import { isDeepStrictEqual } from "node:util";
import { appendEvents } from "../../store/events/events.js";
import { deleteSetting, listStoredSettings, saveSetting, type StoredSetting } from "../../store/system/settings.js";
import type { Tx } from "../../store/tx.js";
import type { EngineContext } from "../context.js";
import { iso } from "../../base/time.js";
import { hint } from "../../base/names.js";
import { Problems, problemsError } from "../../base/problems.js";
import { projectConfigSchema } from "../projects/config.js";
import { type Settings, settingsOf, settingsSchema, withPresentNames } from "../../base/settings.js";
import { limitProblem, requireOwnSettings } from "./setting-limits.js";

// The origin of a value, in order of precedence: the command line, the environment, the database (configured through an
// operation), a file, the default. The first two are set per process by the person who starts it.

/** A setting as a process was started with it. */
export interface StartValue {
  readonly name: string;
  readonly value: unknown;
  /** `default`, `flag --…`, `environment BATON_…`, or the file. */
  readonly origin: string;
}

/** A setting as it is in force. `stored` is what the database says where the process was started with another. */
export interface ValueInForce extends StartValue {
  readonly stored?: unknown;
}

const NAMES = Object.keys(settingsSchema.shape);
/** Read once, when a server starts. */
const AT_START: ReadonlySet<string> = new Set(["tick_ms", "input_bytes_max"]);
const PINNED = /^(?:flag|environment) /;

/** Returns the values in force in a process, given those it was started with. In the order of the names. */
export function valuesInForce(start: readonly StartValue[], stored: readonly StoredSetting[]): ValueInForce[] {
  const byName = new Map(stored.map((one) => [one.name, one]));
  return start.map((given) => {
    const found = byName.get(given.name);
    if (found === undefined || !accepts(found.name, found.value)) return given;
    if (PINNED.test(given.origin)) return { ...given, stored: found.value };
    const origin = `configured by ${found.updatedBy} at ${iso(found.updatedAt)}`;
    return { name: given.name, value: found.value, origin };
  });
}

/** The settings that a process works with. */
export function settingsInForce(start: readonly StartValue[], stored: readonly StoredSetting[]): Settings {
  return Object.freeze(
    settingsOf(Object.fromEntries(valuesInForce(start, stored).map(({ name, value }) => [name, value]))),
  );
}

export function* storedSettings(): Tx<StoredSetting[]> {
  return yield* listStoredSettings();
}

// A newer version may have stored what this one does not know or take.
function accepts(name: string, value: unknown): boolean {
  return problemOf(name, value) === undefined;
}

function problemOf(name: string, value: unknown): string | undefined {
  const shape: Readonly<Record<string, (typeof settingsSchema.shape)[keyof typeof settingsSchema.shape]>> =
    settingsSchema.shape;
  const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
  if (schema === undefined) return unknownSetting(name);
  // Taken back.
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  return parsed.success ? undefined : (parsed.error.issues[0]?.message ?? "cannot be used");
}

function unknownSetting(name: string): string {
  if (!Object.hasOwn(projectConfigSchema.shape, name)) return `unknown setting${hint(name, NAMES)}`;
  return "is a setting of projects: name one in scope";
}

export interface SettingChange {
  readonly name: string;
  readonly from: unknown;
  readonly to: unknown;
}

/**
 * Stores settings for all processes on the database; null takes one back. They are checked together, and nothing is
 * stored unless all can be. Errors: `invalid_input` with every problem; `not_permitted` for what a person decides.
 */
export function* configure(ctx: EngineContext, wanted: Readonly<Record<string, unknown>>): Tx<SettingChange[]> {
  const changes = withPresentNames(wanted);
  const stored = new Map((yield* listStoredSettings()).map(({ name, value }) => [name, value]));
  checkChanges(ctx, changes);
  const changed = Object.entries(changes)
    .map(([name, to]) => ({ name, from: stored.get(name) ?? null, to }))
    .filter(({ from, to }) => !isDeepStrictEqual(from, to));
  if (changed.length === 0) return [];
  const updatedBy = ctx.caller.agent;
  for (const { name, to } of changed) {
    if (to === null) yield* deleteSetting(name);
    else yield* saveSetting({ name, value: to, updatedAt: ctx.now, updatedBy });
  }
  yield* appendEvents(ctx, [{ type: "settings.changed", agent: updatedBy, data: { changed } }]);
  return changed;
}

function checkChanges(ctx: EngineContext, changes: Readonly<Record<string, unknown>>): void {
  const problems = new Problems();
  for (const [name, value] of Object.entries(changes)) {
    const message = AT_START.has(name)
      ? `is read when a server starts: set BATON_${name.toUpperCase()}, or put it into baton.json`
      : problems.full && !NAMES.includes(name)
        ? // The nearest name is not looked for where it is not told.
          "unknown setting"
        : (problemOf(name, value ?? undefined) ?? limitProblem(ctx, name, value));
    if (message !== undefined) problems.add({ path: `settings.${name}`, message });
  }
  const { session_renew_ms: renew, session_ttl_ms: ttl } = { ...ctx.settings, ...changes };
  if (typeof renew === "number" && typeof ttl === "number" && renew >= ttl) {
    problems.add({
      path: "settings.session_renew_ms",
      message: `a session that lives ${ttl} ms must be renewed sooner than every ${renew} ms`,
    });
  }
  if (problems.count > 0) throw problemsError("The settings were not changed", problems.list());
  requireOwnSettings(ctx, Object.keys(changes));
}
