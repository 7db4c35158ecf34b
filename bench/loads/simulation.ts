/** Access to an engine whose clock stands still until it is moved. `Held` is a task that an agent holds. */
export interface Floor<Held> {
  /** Undefined where there is nothing that this agent, or any other, could start now. */
  claim(agent: string): Promise<{ readonly key: string; readonly held: Held } | undefined>;
  complete(held: Held): Promise<void>;
  now(): number;
  advance(ms: number): Promise<void>;
}

/** An agent's work on a task: milliseconds of the floor's clock. */
export interface Stint {
  readonly key: string;
  readonly agent: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface Shift {
  readonly agents: number;
  /** How long each task takes, by its key, in ms. */
  readonly durations: ReadonlyMap<string, number>;
}

/**
 * Works a run off in virtual time (discrete event simulation): a free agent claims, each task takes its given duration,
 * the clock jumps to the next end. All tasks that end at one instant have ended before the next claim. All agents can
 * do the same, so when one is given no task, the others are not asked before a task has ended.
 */
export async function workOff<Held>(floor: Floor<Held>, { agents, durations }: Shift): Promise<Stint[]> {
  const idle = Array.from({ length: agents }, (_, n) => `agent-${n + 1}`);
  const running: (Stint & { readonly held: Held })[] = [];
  const done: Stint[] = [];
  for (;;) {
    for (let agent = idle.at(0); agent !== undefined; agent = idle.at(0)) {
      const claimed = await floor.claim(agent);
      if (!claimed) break;
      idle.shift();
      const startedAt = floor.now();
      const endedAt = startedAt + durationOf(durations, claimed.key);
      running.push({ key: claimed.key, agent, startedAt, endedAt, held: claimed.held });
    }
    if (running.length === 0) return done;
    running.sort((a, b) => a.endedAt - b.endedAt);
    const until = running[0]?.endedAt ?? floor.now();
    await floor.advance(until - floor.now());
    while (running[0]?.endedAt === until) {
      const [{ held, ...stint }] = running.splice(0, 1) as [Stint & { held: Held }];
      await floor.complete(held);
      done.push(stint);
      idle.push(stint.agent);
    }
  }
}

function durationOf(durations: ReadonlyMap<string, number>, key: string): number {
  const ms = durations.get(key);
  if (ms === undefined) throw new Error(`nobody said how long ${key} takes`);
  return ms;
}

/** From the first start to the last end, in ms. */
export function makespanOf(stints: readonly Stint[]): number {
  return Math.max(...stints.map(({ endedAt }) => endedAt)) - Math.min(...stints.map(({ startedAt }) => startedAt));
}

/** A task as a bound needs it. */
export interface Weighted {
  readonly key: string;
  readonly needs: readonly string[];
  readonly ms: number;
  /** Files that it has for itself while it runs. */
  readonly writes: readonly string[];
}

export interface Bounds {
  readonly criticalPathMs: number;
  readonly workMs: number;
  /** Total duration of the tasks that write one file, for the busiest file. */
  readonly busiestFileMs: number;
}

/** Computes the makespan that no order can beat, without the engine. Tasks may stand in any order. */
export function boundsOf(tasks: readonly Weighted[]): Bounds {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const ends = new Map<string, number>();
  // Without recursion: a chain may have a thousand tasks.
  const open = tasks.map(({ key }) => key);
  for (let key = open.at(-1); key !== undefined; key = open.at(-1)) {
    const task = byKey.get(key);
    if (!task) throw new Error(`no task is called ${key}`);
    const missing = task.needs.filter((need) => !ends.has(need));
    open.push(...missing);
    if (missing.length > 0) continue;
    open.pop();
    ends.set(key, task.ms + Math.max(0, ...task.needs.map((need) => ends.get(need) ?? 0)));
  }
  const busy = new Map<string, number>();
  for (const { writes, ms } of tasks) for (const file of writes) busy.set(file, (busy.get(file) ?? 0) + ms);
  return {
    criticalPathMs: Math.max(0, ...ends.values()),
    workMs: tasks.reduce((sum, { ms }) => sum + ms, 0),
    busiestFileMs: Math.max(0, ...busy.values()),
  };
}

/** The least time in which so many agents can do it. */
export function lowerBound({ criticalPathMs, workMs, busiestFileMs }: Bounds, agents: number): number {
  return Math.max(criticalPathMs, workMs / agents, busiestFileMs);
}
