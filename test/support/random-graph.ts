import { TRIGGER_RULES } from "../../src/engine/triggers.js";
import type { Draw } from "./draw.js";

/** What agents of random histories offer, and steps of random graphs ask for. */
export const ROLES = ["backend", "docs"] as const;
export const CAPABILITIES = ["typescript", "sql"] as const;

/** Files, directories and globs, many of which overlap others. */
export const PATHS = [
  "README.md",
  "src/",
  "src/**/*.ts",
  "src/api/",
  "src/api/index.ts",
  "src/api/*.ts",
  "src/store/index.ts",
  "src/store/rows.ts",
  "docs/",
  "docs/*.md",
  "docs/guide.md",
  "test/**",
] as const;

/** What a workflow step of a random graph runs. */
export const CHILD_WORKFLOW = "child";

export interface StepOptions {
  /** Whether steps have timeouts: their end is then a matter of the clock. Default: true. */
  readonly timeouts?: boolean;
  /** The longest pause before a retry. Default: two minutes. */
  readonly backoffMsMax?: number;
  /** The share of steps with a condition or a list, or that the server does itself. Default: none. */
  readonly dynamic?: number;
}

export interface GraphOptions extends StepOptions {
  readonly sizeMax: number;
}

/** A definition as `execute_workflow` takes it: an acyclic graph of any shape, with all that steps can have. */
export function randomDefinition(draw: Draw, options: GraphOptions): Record<string, unknown> {
  // Small ones show more shapes per second; large ones show what small ones cannot.
  const size = draw.chance(0.7) ? draw.int(1, Math.min(12, options.sizeMax)) : draw.int(1, options.sizeMax);
  const density = draw.pick([0.1, 0.3, 1.5]) / Math.max(1, size / 4);
  const steps = Array.from({ length: size }, (_, at) => randomStep(draw, { at, density, ...options }));
  return {
    name: `plan-${draw.int(1, 1_000_000)}`,
    ...(draw.chance(0.3) ? { max_parallel: draw.int(1, 3) } : {}),
    ...(draw.chance(0.2) ? { priority: priority(draw) } : {}),
    ...(draw.chance(0.2) ? { deadline: draw.int(60_000, 7_200_000) } : {}),
    ...(options.dynamic !== undefined && draw.chance(0.3) ? { on_failure: draw.pick(["stop", "compensate"]) } : {}),
    steps,
  };
}

interface Placed extends GraphOptions {
  readonly at: number;
  /** The probability of an edge from each earlier step. */
  readonly density: number;
}

function randomStep(draw: Draw, { at, density, ...options }: Placed): Record<string, unknown> {
  const earlier = Array.from({ length: at }, (_, before) => `s${before}`);
  const needs = draw.some(earlier, density, 20);
  const { dynamic = 0 } = options;
  const fields = randomFields(draw, options);
  return {
    key: `s${at}`,
    ...(needs.length > 0 ? { needs, ...randomTrigger(draw) } : {}),
    ...(dynamic > 0 && draw.chance(dynamic) ? randomDynamic(draw, { needs, fields }) : fields),
    ...(dynamic > 0 && draw.chance(0.3) ? { compensate: { prompt: `undo s${at}` } } : {}),
  };
}

interface Dynamic {
  readonly needs: readonly string[];
  readonly fields: Record<string, unknown>;
}

/** A condition, a list, or what the server does itself. Some have no value when their time comes. */
function randomDynamic(draw: Draw, { needs, fields }: Dynamic): Record<string, unknown> {
  const { prompt: _, ...rest } = fields;
  const before = draw.pick(needs);
  const seen = before === undefined ? "true" : `steps.${before}.status == "succeeded"`;
  const kind = draw.weighted({ if: 30, list: 30, read: 15, gate: 10, timer: 10, event: 5, workflow: 8 });
  switch (kind) {
    case "if":
      return { ...fields, if: draw.pick([seen, `!(${seen})`, "true", "false"]) };
    case "list": {
      const list = Array.from({ length: draw.int(0, 4) }, (_unused, at) => at);
      const condition = draw.chance(0.3) ? { if: seen } : {};
      return { ...fields, ...condition, for_each: list, prompt: "element ${{ item }} of ${{ index }}" };
    }
    case "read":
      return { ...fields, prompt: before === undefined ? "${{ run.id }}" : `by \${{ steps.${before}.output.by }}` };
    case "gate":
      return { ...rest, kind, checks: [draw.pick([seen, "true", "false"])] };
    case "workflow":
      return { ...rest, kind, workflow: CHILD_WORKFLOW, ...(draw.chance(0.2) ? { for_each: [1, 2, 3] } : {}) };
    case "timer":
      return { ...rest, kind: "wait", for: draw.int(0, 600_000) };
    case "event":
      return { ...rest, kind: "wait", event: draw.pick(["go", "stop"]), timeouts: { schedule_to_close: 1_800_000 } };
  }
}

/** Of what needs nothing only some rules can hold, and a definition with the others is refused. */
export function randomTrigger(draw: Draw): Record<string, unknown> {
  return draw.chance(0.6) ? { trigger: draw.pick(TRIGGER_RULES) } : {};
}

/** What a step has beside its key and needs; a single task takes the same. */
export function randomFields(draw: Draw, options: StepOptions = {}): Record<string, unknown> {
  const { timeouts = true, backoffMsMax = 120_000 } = options;
  const files = {
    write: draw.some(PATHS, draw.pick([0, 0, 0.1, 0.2])),
    read: draw.some(PATHS, draw.pick([0, 0, 0.1])),
  };
  return {
    prompt: "do it",
    ...(draw.chance(0.3) ? { priority: priority(draw) } : {}),
    ...(draw.chance(0.15) ? { role: draw.pick(ROLES) } : {}),
    ...(draw.chance(0.15) ? { requires: [draw.pick(CAPABILITIES)] } : {}),
    ...(files.write.length + files.read.length > 0 ? { files } : {}),
    ...(draw.chance(0.3) ? { estimate_ms: draw.int(1, 600_000) } : {}),
    retry: {
      max_attempts: draw.int(1, 3),
      initial_interval_ms: draw.pick([0, backoffMsMax / 100, backoffMsMax / 2]),
      max_interval_ms: backoffMsMax,
      non_retryable: ["hopeless"],
    },
    ...(timeouts && draw.chance(0.4) ? { timeouts: randomTimeouts(draw) } : {}),
  };
}

function randomTimeouts(draw: Draw): Record<string, number> {
  return {
    ...(draw.chance(0.3) ? { schedule_to_start: draw.int(1_000, 1_800_000) } : {}),
    ...(draw.chance(0.5) ? { start_to_close: draw.int(1_000, 1_800_000) } : {}),
    ...(draw.chance(0.3) ? { schedule_to_close: draw.int(1_000, 3_600_000) } : {}),
    ...(draw.chance(0.3) ? { heartbeat: draw.int(1_000, 600_000) } : {}),
  };
}

function priority(draw: Draw): string {
  return draw.pick(["critical", "high", "normal", "low"]);
}
