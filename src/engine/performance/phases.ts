import { mulberry32 } from "../../base/numbers/mulberry32.js";
import { sampledNormal } from "../routing/sampling.js";
import type { Project } from "../projects/projects.js";
import { type TrialGround, TrialProcess, type TrialTask } from "./trial-process.js";

// The parts of a trial that call the engine. Each returns what it has when its time is over.

interface Pace {
  /** Real milliseconds of each claim. */
  readonly latencies: readonly number[];
  /** Tasks claimed and completed, of the real clock. */
  readonly perSecond: number;
}

interface PaceOptions {
  readonly ground: TrialGround;
  readonly project: Project;
  readonly agents: number;
  readonly tasks: number;
  /** Agents that call at once. */
  readonly concurrency: number;
  readonly isOver: () => boolean;
}

/** Has agents claim and complete tasks as fast as they can; undefined where the time is over before. */
export async function paceOf({ ground, project, isOver, ...plan }: PaceOptions): Promise<Pace | undefined> {
  if (isOver()) return undefined;
  const server = await TrialProcess.opened(ground, "pace");
  const steps = Array.from({ length: plan.tasks }, (_, at) => ({ key: `t${at}`, prompt: "p" }));
  const run = await server.start(project, steps);
  const latencies: number[] = [];
  const startedAt = ground.measure();
  const atOnce = Math.min(plan.concurrency, plan.agents);
  // Two calls of one agent at once would be counted for the same task.
  const worker = async (first: number): Promise<void> => {
    for (let agent = first; !isOver(); agent = agent + atOnce < plan.agents ? agent + atOnce : first) {
      const askedAt = ground.measure();
      const task = await server.claim(run, `agent-${agent + 1}`);
      if (task === undefined) return;
      latencies.push(ground.measure() - askedAt);
      await server.complete(task);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, first) => worker(first)));
  return { latencies, perSecond: latencies.length / ((ground.measure() - startedAt) / 1_000) };
}

interface ShiftOptions {
  readonly ground: TrialGround;
  readonly project: Project;
  readonly agents: number;
  readonly tasks: number;
  readonly isOver: () => boolean;
}

const MINUTE = 60_000;
/** Standard deviation of the logarithms of durations, and of estimates around them. As of `npm run bench -- load`. */
const SPREAD = { duration: 0.7, estimate: 0.5 } as const;
const SHIFT_SEED = 1;

/**
 * Has agents work tasks of drawn durations off, in time of the trial's clock, and returns the share of all agents' time until the last
 * task has ended that was work; undefined where it did not come to that.
 */
export async function shiftOf({ ground, project, isOver, ...plan }: ShiftOptions): Promise<number | undefined> {
  if (isOver()) return undefined;
  const server = await TrialProcess.opened(ground, "shift");
  const uniform = mulberry32(SHIFT_SEED);
  const times = new Map<string, number>();
  const steps = Array.from({ length: plan.tasks }, (_, at) => {
    const ms = Math.round(10 * MINUTE * Math.exp(SPREAD.duration * sampledNormal(uniform)));
    times.set(`t${at}`, ms);
    const estimate_ms = Math.max(1, Math.round(ms * Math.exp(SPREAD.estimate * sampledNormal(uniform))));
    return { key: `t${at}`, prompt: "p", estimate_ms };
  });
  const run = await server.start(project, steps);
  const { clock } = ground;
  const startedAt = clock.now();
  const idle = Array.from({ length: plan.agents }, (_, at) => `agent-${at + 1}`);
  const running: { readonly agent: string; readonly task: TrialTask; readonly endsAt: number }[] = [];
  for (let done = 0; done < plan.tasks; done++) {
    if (isOver()) return undefined;
    for (let agent = idle.shift(); agent !== undefined; agent = idle.shift()) {
      const task = await server.claim(run, agent);
      if (task === undefined) {
        idle.unshift(agent);
        break;
      }
      running.push({ agent, task, endsAt: clock.now() + (times.get(task.key) ?? 0) });
    }
    running.sort((a, b) => a.endsAt - b.endsAt);
    const next = running.shift();
    if (next === undefined) return undefined;
    clock.advance(next.endsAt - clock.now());
    await server.complete(next.task);
    idle.push(next.agent);
  }
  const work = [...times.values()].reduce((sum, ms) => sum + ms, 0);
  return work / (plan.agents * (clock.now() - startedAt));
}

interface LossOptions {
  readonly ground: TrialGround;
  readonly project: Project;
  /** How many processes are lost in turn. */
  readonly losses: number;
  /** Of another machine: its end is not seen, only that it does not renew its session. */
  readonly isElsewhere: boolean;
  readonly isOver: () => boolean;
}

const LOSS_SEED = 2;

/**
 * Loses processes that hold a task, and returns for each how long it took, in time of the trial's clock, until another agent ran the
 * task; undefined where its time was over before. The other asks after each pass of the background work, as one that waits in its claim.
 */
export async function lossesOf({
  ground,
  project,
  losses,
  isElsewhere,
  isOver,
}: LossOptions): Promise<number[] | undefined> {
  const { clock, settings } = ground;
  const name = isElsewhere ? "machine" : "process";
  const rescuer = await TrialProcess.opened(ground, `rescuer-of-${name}`);
  const uniform = mulberry32(LOSS_SEED);
  const dead = new Set<string>();
  const durations: number[] = [];
  for (let loss = 1; loss <= losses; loss++) {
    const victim = await TrialProcess.opened(ground, `${name}-${loss}`, isElsewhere ? "elsewhere" : undefined);
    const run = await rescuer.start(project, [{ key: "t", prompt: "p" }]);
    await victim.claim(run, `${name}-${loss}`);
    const phase = Math.round(uniform() * settings.tick_ms);
    clock.advance(phase);
    const diedAt = clock.now();
    dead.add(victim.session);
    clock.advance(settings.tick_ms - phase);
    for (let task: TrialTask | undefined; task === undefined; clock.advance(settings.tick_ms)) {
      if (isOver()) return undefined;
      await rescuer.renew();
      await rescuer.tick((session) => !dead.has(session.id));
      task = await rescuer.claim(run, "rescuer");
      if (task === undefined) continue;
      durations.push(clock.now() - diedAt);
      await rescuer.complete(task);
    }
  }
  return durations;
}
