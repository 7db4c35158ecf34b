import { BatonRouter } from "./baton-router.js";
import { historySteps, TOLD } from "./crew.js";
import { completionRate } from "./history.js";
import { lossesOf, paceOf, shiftOf } from "./phases.js";
import type { Figure, Figures } from "./targets.js";
import { type TrialGround, TrialProcess } from "./trial-process.js";

export interface TrialPlan {
  readonly agents: number;
  readonly tasks: number;
  /** Agents that call at once. */
  readonly concurrency: number;
  /** Processes and machines that are lost, of each. */
  readonly losses: number;
  /** Simulated histories of routing. */
  readonly histories: number;
  /** After this nothing new is begun. */
  readonly durationMs: number;
}

/** Shares of the duration after which the parts of a trial end. The last one has all that is left. */
const ENDS = { losses: 0.3, pace: 0.6, shift: 0.8 } as const;
const FIRST_SEED = 1_000;
/** The strategy that looks for the likeliest success alone, as the accuracy does: others give some of it for speed, load or cost. */
const ROUTED_BY = "performance";

/** Tries the engine on a database of its own: real claims, completions and losses, and routing of a simulated crew. */
export async function trialOf(ground: TrialGround, plan: TrialPlan): Promise<Figures> {
  const startedAt = ground.measure();
  const until = (share: number) => () => ground.isStopped() || ground.measure() - startedAt > share * plan.durationMs;
  const server = await TrialProcess.opened(ground, "trial");
  const project = await server.project("trial");
  const { agents, tasks, concurrency, losses } = plan;
  const lost = { ground, project, losses, isOver: until(ENDS.losses) };
  const ofProcesses = await lossesOf({ ...lost, isElsewhere: false });
  const ofMachines = await lossesOf({ ...lost, isElsewhere: true });
  const pace = await paceOf({ ground, project, agents, tasks, concurrency, isOver: until(ENDS.pace) });
  const balance = await shiftOf({ ground, project, agents, tasks, isOver: until(ENDS.shift) });
  const accuracies = await accuraciesOf(ground, plan.histories, until(1));
  const accuracy = over(accuracies, mean);
  const completion = completionRate(await server.runs());
  const lossesOfBoth = ofProcesses && ofMachines && [...ofProcesses, ...ofMachines];
  return withoutEmpty({
    task_assignment_latency_ms: over(pace?.latencies, mean),
    task_assignment_p99_ms: over(pace?.latencies, (values) => percentile(values, 0.99)),
    throughput_per_second: over(pace?.latencies, () => pace?.perSecond ?? 0),
    recovery_time_ms: over(lossesOfBoth, (values) => Math.max(...values)),
    process_recovery_ms: over(ofProcesses, (values) => Math.max(...values)),
    workflow_completion_rate: completion && measured(completion.value, completion.sample),
    routing_accuracy: accuracy && { ...accuracy, strategy: ROUTED_BY },
    load_balancing_efficiency: balance === undefined ? undefined : measured(balance, tasks),
  });
}

/** The share of tasks that routing gives to an agent within 5 % of the best free one, in the last quarter of each simulated history. */
async function accuraciesOf(ground: TrialGround, histories: number, isOver: () => boolean): Promise<number[]> {
  const accuracies: number[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + histories; seed++) {
    const trial = { seed, kind: "stationary", told: TOLD[0] } as const;
    const steps = historySteps(trial, (crew) => new BatonRouter(ROUTED_BY, crew));
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) {
        accuracies.push(step.value.lastQuarter);
        break;
      }
      if (isOver()) return accuracies;
      await ground.pause();
    }
  }
  return accuracies;
}

function over(values: readonly number[] = [], of: (values: readonly number[]) => number): Figure | undefined {
  return values.length === 0 ? undefined : measured(of(values), values.length);
}

function measured(value: number, sample: number): Figure {
  return { value, source: "measured", sample };
}

function withoutEmpty(figures: { readonly [Name in keyof Figures]: Figure | undefined }): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== undefined));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
