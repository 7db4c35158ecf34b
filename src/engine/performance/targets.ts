import { defined } from "../../base/json.js";
import { rounded } from "../../base/numbers/rounding.js";
import type { Settings } from "../../base/settings.js";
import type { StrategyName } from "../routing/strategies.js";

/** Figures of a trial or of recorded history. */
export const FIGURES = [
  "task_assignment_latency_ms",
  "task_assignment_p99_ms",
  "throughput_per_second",
  "recovery_time_ms",
  "process_recovery_ms",
  "workflow_completion_rate",
  "routing_accuracy",
  "load_balancing_efficiency",
] as const;
type FigureName = (typeof FIGURES)[number];

export interface Figure {
  readonly value: number;
  readonly source: "measured" | "history";
  /** Number of cases that it is over. */
  readonly sample: number;
  /** The strategy of routing that it is of. */
  readonly strategy?: StrategyName;
}
export type Figures = Readonly<Partial<Record<FigureName, Figure>>>;

type TargetSetting = Extract<keyof Settings, `targets.${string}`>;

interface Target {
  readonly figure: FigureName;
  readonly at: "most" | "least";
  /** The setting that says how much, or Baton's own floor. */
  readonly of: TargetSetting | number;
}

const TARGETS: readonly Target[] = [
  { figure: "task_assignment_latency_ms", at: "most", of: "targets.task_assignment_latency_ms" },
  { figure: "load_balancing_efficiency", at: "least", of: "targets.load_balancing_efficiency" },
  { figure: "routing_accuracy", at: "least", of: "targets.routing_accuracy" },
  { figure: "recovery_time_ms", at: "most", of: "targets.recovery_time_ms" },
  { figure: "workflow_completion_rate", at: "least", of: "targets.workflow_completion_rate" },
  { figure: "throughput_per_second", at: "least", of: "targets.throughput_per_second" },
  { figure: "task_assignment_p99_ms", at: "most", of: 50 },
  { figure: "throughput_per_second", at: "least", of: 500 },
  { figure: "process_recovery_ms", at: "most", of: 15_000 },
  { figure: "load_balancing_efficiency", at: "least", of: 0.92 },
];

/** The setting of targets that are Baton's own, and not set. */
const OWN_FLOOR = "own floor";

/** A figure held against a target. */
interface Measurement {
  readonly name: FigureName;
  /** Null where there is no data. */
  readonly value: number | null;
  readonly target: number;
  readonly at: "most" | "least";
  readonly set_by: string;
  readonly met: boolean;
  readonly source: "measured" | "history" | "none";
  readonly sample: number;
  readonly strategy?: StrategyName;
}

interface PerformanceVerdict {
  readonly measurements: readonly Measurement[];
  /** Targets that are met, in percent of all. */
  readonly performance_score: number;
  readonly targets_met: number;
  readonly total_targets: number;
}

/** Holds figures against the targets. A figure without data meets none. */
export function judgedBy(settings: Settings, figures: Figures): PerformanceVerdict {
  const measurements = TARGETS.map(({ figure, at, of }): Measurement => {
    const found = figures[figure];
    const target = typeof of === "number" ? of : settings[of];
    const met = found !== undefined && (at === "most" ? found.value <= target : found.value >= target);
    const set_by = typeof of === "number" ? OWN_FLOOR : of;
    const { value = null, source = "none", sample = 0, strategy } = found ?? {};
    const shown = value === null ? null : rounded(value);
    return { name: figure, value: shown, target, at, set_by, met, source, sample, ...defined({ strategy }) };
  });
  const targets_met = measurements.filter(({ met }) => met).length;
  const total_targets = measurements.length;
  return { measurements, performance_score: rounded((100 * targets_met) / total_targets), targets_met, total_targets };
}
