import type { RunMode } from "../../base/statuses.js";
import type { Settings } from "../../base/settings.js";

/** A step that does not say otherwise is tried so often where failures are to be outlived. */
const TOLERANT_ATTEMPTS = 5;
/** So many tasks run at once where the machine is to be spared. */
const SPARING_PARALLEL = 4;

/** The meaning of each mode for a run without settings of its own, in words. */
export const MODE_MEANING: Readonly<Record<RunMode, string>> = {
  standard: "as the project and the settings say",
  high_performance: "as many tasks at once as there is work, whatever the project's bound",
  fault_tolerant: `a step that does not say is tried at least ${TOLERANT_ATTEMPTS} times`,
  adaptive: "as standard; route_task ranks by what agents have shown, as it does where nothing else is said",
  resource_aware: `at most ${SPARING_PARALLEL} tasks at once`,
};

/** The mode of a run: that of its call, of the session in which it is started, or of the settings. */
export function modeOf(
  { mode, session }: { readonly mode?: RunMode | undefined; readonly session?: { readonly mode: RunMode } | undefined },
  settings: Settings,
): RunMode {
  return mode ?? session?.mode ?? settings.default_mode;
}

/** How many tasks of a run may run at once if neither the call, its definition nor its session says. */
export function parallelIn(mode: RunMode, ofProject: number | undefined, settings: Settings): number {
  const configured = settings.max_concurrent_tasks === 0 ? settings.open_tasks_max : settings.max_concurrent_tasks;
  const usual = ofProject ?? configured;
  if (mode === "high_performance") return settings.open_tasks_max;
  return mode === "resource_aware" ? Math.min(SPARING_PARALLEL, usual) : usual;
}

/** The settings as steps of a run of this mode are read under. */
export function settingsIn(mode: string, settings: Settings): Settings {
  if (mode !== "fault_tolerant") return settings;
  return { ...settings, retry_attempts: Math.max(TOLERANT_ATTEMPTS, settings.retry_attempts) };
}
