import { expect, test } from "vitest";
import type { Row, Store } from "../../src/store/tx.js";
import { Checker, findingsText } from "../support/checker/checker.js";
import { countOf } from "../support/counts.js";
import { type Backend, createDatabase, temporaryDirectory } from "../support/databases/databases.js";
import { type Dump, dumpOf } from "../support/databases/dump.js";
import { comparedWith, liveNow, resumedState, stateOf, tokensOf } from "../support/fixtures/run-state.js";
import { act, execute, PEACEFUL } from "../support/simulation/actions.js";
import { bringToEnd } from "../support/simulation/history.js";
import { World } from "../support/simulation/world.js";

/**
 * Random graphs, agents, outcomes, locks, timers and events: somewhere on the way a run is kept, then anything happens, then it goes
 * back, and must stand as it stood; a fork from the same place changes nothing of it.
 *
 *   BATON_SIMULATIONS=1000 npx vitest run test/simulation/checkpoints.test.ts
 */
const COUNT = countOf("BATON_SIMULATIONS", { short: 6, long: 150 });
const FIRST_SEED = Number(process.env["BATON_SIMULATION_SEED"] ?? 1);
const WEIGHTS = { ...PEACEFUL, checkpoint: 0 };

test.each([
  ["sqlite", COUNT],
  ["postgres", Math.ceil(COUNT / 10)],
] as const)(
  "a restored run on %s stands as it stood, and its fork leaves it alone",
  async (backend, count) => {
    const figures = { compared: 0, restored: 0, forked: 0 };
    for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) await play(backend, seed, figures);
    process.stderr.write(`checkpoints on ${backend}: ${JSON.stringify(figures)}\n`);
    expect(figures.compared).toBeGreaterThan(count / 2);
    expect(figures.restored).toBeGreaterThan(count);
  },
  900_000,
);

async function play(backend: Backend, seed: number, figures: Record<string, number>): Promise<void> {
  const database = await createDatabase(backend);
  const store = await database.open();
  const world = new World({ seed, database: database.location, cwd: temporaryDirectory(), faultRate: 0 });
  const checker = new Checker(store);
  const found = async (over = false) =>
    findingsText(await checker.findings({ journal: world.journal, at: world.clock.now(), over }));
  try {
    await world.begin(temporaryDirectory());
    await execute(world, world.anyPlayer());
    await someTime(world);
    const run = world.runs[0];
    if (run === undefined) return;
    const person = world.anyPlayer();
    const before = { ...(await stateOf(store, run)), at: world.clock.now() };
    const created = await world.call(person, "create_checkpoint", { run });
    if (!created) return;
    const { id } = created.checkpoint;
    await someTime(world);
    await goBack(world, { store, id, run, before, figures });
    expect(await found(), `seed ${seed}`).toBe("");
    await someTime(world);
    await bringToEnd(world, store);
    expect(await found(true), `seed ${seed}, at the end`).toBe("");
  } finally {
    await world.close();
  }
}

async function someTime(world: World): Promise<void> {
  for (let left = world.draw.int(5, 40); left > 0; left--) await act(world, WEIGHTS);
}

interface Back {
  readonly store: Store;
  /** Id of the checkpoint. */
  readonly id: string;
  readonly run: string;
  readonly before: Awaited<ReturnType<typeof stateOf>>;
  readonly figures: Record<string, number>;
}

async function goBack(world: World, { store, id, run, before, figures }: Back): Promise<void> {
  // A command of the same process accounts for a sleep of the host, which moves times of the origin.
  await world.must("register_agent", { name: "watcher" });
  const origin = ofRun(await dumpOf(store), run);
  const fork = await world.must("resume_from_checkpoint", { checkpoint: id, as: "fork" });
  expect(ofRun(await dumpOf(store), run)).toEqual(origin);
  world.runs.push(fork.run.id);
  figures["forked"] = (figures["forked"] ?? 0) + 1;

  // A run that is being compensated or cancelled comes to its end first, and is not restored meanwhile.
  const { status } = (await world.must("get_run", { run })).run;
  if (status === "compensating" || status === "cancelling") return;

  const tokens = await tokensOf(store, run);
  const live = await liveNow(store, run);
  const resumed = await world.must("resume_from_checkpoint", { checkpoint: id });
  figures["restored"] = (figures["restored"] ?? 0) + Number(resumed.restored);
  for (const [task, token] of Object.entries(await tokensOf(store, run)))
    expect(token).toBeGreaterThanOrEqual(tokens[task] ?? 0);
  // Holders asked to stop have stopped now, and the tasks that waited for that go on.
  if (Object.values(before.tasks).some(({ toStop }) => toStop)) return;
  const expected = resumedState(before, { ...live, at: world.clock.now() });
  const now = { ...(await stateOf(store, run)), at: world.clock.now() };
  expect(comparedWith(now, expected)).toEqual(expected);
  figures["compared"] = (figures["compared"] ?? 0) + 1;
}

/** All that a database has of a run, its history too. */
function ofRun(dump: Dump, run: string): Record<string, readonly Row[]> {
  const tasks = new Set((dump["tasks"] ?? []).filter((row) => row["run"] === run).map((row) => row["id"]));
  const isOwn = (row: Row) => row["run"] === run || row["id"] === run || tasks.has(row["task"] ?? null);
  return Object.fromEntries(Object.entries(dump).map(([table, rows]) => [table, rows.filter(isOwn)]));
}
