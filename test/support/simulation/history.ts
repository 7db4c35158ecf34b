import type { InputOf, ResultOf } from "../../../src/tools/registry.js";
import { text } from "../../../src/store/rows.js";
import type { Store, Tx } from "../../../src/store/tx.js";
import { Checker, type Finding } from "../checker/checker.js";
import { CAPABILITIES, ROLES } from "../fixtures/random-graph.js";
import { act, execute, PEACEFUL } from "./actions.js";
import { context } from "./context-actions.js";
import { readInbox } from "./message-actions.js";
import { collectAll } from "./notification-actions.js";
import { SUPERVISORS } from "./review-actions.js";
import { openTasks, type Player, WHERE, World, type WorldOptions } from "./world.js";

export interface HistoryOptions extends WorldOptions {
  /** Reads the database of the world. */
  readonly store: Store;
  readonly actions: number;
  /** Several players at once, and processes that are killed. Without it the history is the same on every database. */
  readonly rough: boolean;
}

export interface History {
  readonly seed: number;
  readonly findings: readonly Finding[];
  readonly figures: Readonly<Record<string, number>>;
}

/** Lets a random history happen, brings all its work to an end, and looks for what should not be. */
export async function playHistory(options: HistoryOptions): Promise<History> {
  const world = new World(options);
  const checker = new Checker(options.store);
  try {
    await world.begin(options.cwd);
    await execute(world, world.anyPlayer());
    for (let at = 0; at < options.actions; at++) {
      if (options.rough) await Promise.all(Array.from({ length: world.draw.int(1, 3) }, () => act(world)));
      else await act(world, PEACEFUL);
      // Its texts are counted in a thread: alone, so that the draws come in the same order each time.
      if (world.draw.chance(CONTEXT_SHARE)) await context(world, world.anyPlayer());
    }
    const { journal } = world;
    const found = await checker.findings({ journal, at: world.clock.now() });
    if (found.length === 0) {
      await bringToEnd(world, options.store);
      found.push(...(await checker.findings({ journal, at: world.clock.now(), over: true })));
    }
    return { seed: options.seed, findings: found, figures: figuresOf(world) };
  } finally {
    await world.close();
  }
}

const ROUNDS_MAX = 300;
/** Context windows are written to between the other actions. */
const CONTEXT_SHARE = 0.08;

/** Every agent takes and completes what there is, while time goes on, until nothing is left or nothing helps any more. */
export async function bringToEnd(world: World, store: Store): Promise<void> {
  for (const process of world.processes) process.faults = false;
  for (const player of world.players) player.held.length = 0;
  // Its first write makes a server, so that there is one that does the background work.
  await world.processes[0]?.call("register_agent", { name: "caretaker" });
  await resumeAll(world);
  await liftBudgets(world, store);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    let done = 0;
    for (const player of world.players) done += await work(world, player);
    // A new agent takes the tasks that all others have had a part in.
    if (done === 0 && world.players[0]) done += await work(world, { ...world.players[0], name: `newcomer-${round}` });
    if (done > 0) continue;
    const left = await openTasks(store);
    await letTimePass(world);
    await decidePaused(world);
    await decideReviews(world);
    // Dead letters may have been replayed automatically.
    if (left === 0 && (await openTasks(store)) === 0) break;
  }
  for (const { name } of world.players) await readInbox(world, name);
  if (world.processes[0]) await collectAll(world, world.processes[0]);
}

/** Claims and completes until nothing is there for this player. */
async function work(world: World, { name, process }: Player): Promise<number> {
  for (let done = 0; ; done++) {
    const { outcome, task, lease } = await claimed(world, { name, process });
    if (outcome !== "claimed") return done;
    const held = { task: task!.id, token: lease!.token };
    const verdict = task!.review === undefined ? {} : { result: { verdict: "approve" } };
    const completed = await world.may("not_permitted", "complete_task", { ...held, ...verdict });
    if (completed) continue;
    // Its own artifact is judged, which it does not do: the answer says to release it for another.
    await world.must("release_task", held);
    return done;
  }
}

type Claimer = Pick<Player, "name" | "process">;

/**
 * The answer to a claim. What a player holds goes on over a process that did not work on what it checks (not_by); where all of them
 * did, it waits for the end of its lease.
 */
async function claimed({ processes }: World, { name, process }: Claimer): Promise<Partial<ResultOf<"claim_task">>> {
  const input = { ...WHERE, agent: name, roles: [...ROLES, ...SUPERVISORS], requires: [...CAPABILITIES] };
  for (const one of [process, ...processes.filter((other) => other !== process)]) {
    const claim = await one.call("claim_task", input);
    if ("answer" in claim) return claim.answer;
    if (!("refused" in claim) || claim.refused.code !== "not_permitted")
      throw new Error(`a claim had to be answered: ${JSON.stringify(claim)}`);
  }
  return { outcome: "none" };
}

async function resumeAll(world: World): Promise<void> {
  const { runs } = await world.must("list_runs", { ...WHERE, status: "paused", limit: 200 });
  for (const { id } of runs) await world.must("control_run", { run: id, action: "resume" });
}

/** A task with an unclear requirement waits until a person decides. */
async function decidePaused(world: World): Promise<void> {
  const { escalations } = await world.must("list_escalations", { status: "paused", limit: 200 });
  for (const { id } of escalations) await world.must("decide_escalation", { id, decision: "approved" });
}

/** Reviews that have come to a person are decided. */
async function decideReviews(world: World): Promise<void> {
  const { escalations } = await world.must("list_escalations", { tier: "human", limit: 200 });
  for (const { id, task } of escalations) {
    if (task?.kind === "human") await world.must("decide_escalation", { id, decision: "approved" });
  }
}

/** Tasks held up by a spent budget are to be done too. */
async function liftBudgets(world: World, store: Store): Promise<void> {
  const ids = await store.read(function* (): Tx<string[]> {
    return (yield ["SELECT id FROM budgets ORDER BY id"]).map((row) => text(row, "id"));
  });
  const { agents: known } = await world.must("list_agents", { limit: 200 });
  const agents = new Set(known.map(({ name }) => name));
  for (const id of ids) {
    const target = budgetTarget(id);
    // An agent that was unregistered has a budget still, which holds up nothing.
    if (target.for_agent !== undefined && !agents.has(target.for_agent)) continue;
    await world.must("set_budget", { ...target, limit: 1_000_000 });
  }
}

function budgetTarget(id: string): InputOf<"check_budget"> {
  if (id === "global") return { scope: "global" };
  if (id.startsWith("agent:")) return { for_agent: id.slice("agent:".length) };
  return id.startsWith("run_") ? { run: id } : { project: id };
}

/** Long enough for every timeout of a random graph, and then in steps in which no host seems to have slept. */
async function letTimePass(world: World): Promise<void> {
  for (const ms of [3_600_000, 20_000, 20_000, 20_000]) {
    world.clock.advance(ms);
    for (const process of world.processes) while (!(await process.runBackground()));
  }
}

function figuresOf(world: World): Record<string, number> {
  const figures: Record<string, number> = {
    ...world.figures,
    acknowledged: world.journal.length,
    runs: world.runs.length,
  };
  for (const { strikes } of world.processes) {
    for (const [fault, count] of Object.entries(strikes)) figures[fault] = (figures[fault] ?? 0) + count;
  }
  return figures;
}
