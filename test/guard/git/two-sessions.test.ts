import { expect, onTestFinished, test } from "vitest";
import { isLong } from "../../support/counts.js";
import { HookClients } from "./hook-clients.js";
import { guardBy } from "./hook-guard.js";
import { HooksInProcess } from "./hooks-in-process.js";
import { twoSessions } from "./two-sessions.js";

const SEEDS = isLong ? Number(process.env["BATON_SEEDS"] ?? 6) : 1;
const STEPS = isLong ? 200 : 40;

const total = { lostWith: 0, lostWithout: 0, denied: 0, narrowed: 0, commits: 0 };

test.each(Array.from({ length: SEEDS }, (_, at) => at + 1))(
  "two sessions in one clone lose nothing of each other's with the guard, and lose some without (seed %i)",
  async (seed) => {
    const unguarded = await twoSessions(seed, STEPS, undefined);
    const hooks = new HooksInProcess();
    const guarded = await twoSessions(
      seed,
      STEPS,
      guardBy((hook) => hooks.ask(hook)),
    );
    expect({ lost: guarded.lost, taken: guarded.taken }).toEqual({ lost: [], taken: [] });
    total.lostWith += guarded.lost.length + guarded.taken.length;
    total.lostWithout += unguarded.lost.length + unguarded.taken.length;
    total.denied += guarded.denied;
    total.narrowed += guarded.narrowed;
    total.commits += guarded.commits;
  },
  600_000,
);

test.runIf(isLong)(
  "two clients whose hooks are processes of `baton guard` lose nothing of each other's",
  async () => {
    const clients = new HookClients();
    onTestFinished(() => clients.close());
    const guarded = await twoSessions(
      1,
      30,
      guardBy((hook) => clients.ask(hook)),
    );
    expect({ lost: guarded.lost, taken: guarded.taken }).toEqual({ lost: [], taken: [] });
    expect(guarded.denied).toBeGreaterThan(0);
    expect(guarded.commits).toBeGreaterThan(0);
  },
  600_000,
);

test("the histories without the guard lose work, and those with it go on with narrowed commands", () => {
  expect(total.lostWithout).toBeGreaterThan(0);
  expect(total.narrowed).toBeGreaterThan(0);
  expect(total.commits).toBeGreaterThan(0);
  if (isLong) process.stdout.write(`two sessions, ${SEEDS} × ${STEPS} steps: ${JSON.stringify(total)}\n`);
});
