import { expect, onTestFinished, test } from "vitest";
import { usesOf } from "../../../src/guard/git/uses.js";
import { isLong } from "../../support/counts.js";
import { HookClients } from "./hook-clients.js";
import { type Guard, twoSessions } from "./two-sessions.js";

const SEEDS = isLong ? Number(process.env["BATON_SEEDS"] ?? 6) : 1;
const STEPS = isLong ? 200 : 40;

/** Far more than git needs, also on a busy machine. */
const LIMIT_MS = 30_000;

/** Denies a command that would take or lose a path of the other session, and offers the same for the session's own. */
const byHolders: Guard = {
  command: async ({ command, top, session, holders }) => {
    const uses = await usesOf(command, top, AbortSignal.timeout(LIMIT_MS));
    const clash = uses.find(({ paths }) => paths.some((file) => (holders.get(file) ?? session) !== session));
    if (clash === undefined) return undefined;
    const own = clash.paths.filter((file) => holders.get(file) === session);
    return { instead: own.length === 0 ? undefined : clash.narrowed?.(own) };
  },
};

const total = { lostWith: 0, lostWithout: 0, denied: 0, narrowed: 0, commits: 0 };

test.each(Array.from({ length: SEEDS }, (_, at) => at + 1))(
  "two sessions in one clone lose nothing of each other's with the guard, and lose some without (seed %i)",
  async (seed) => {
    const unguarded = await twoSessions(seed, STEPS, undefined);
    const guarded = await twoSessions(seed, STEPS, byHolders);
    expect({ lost: guarded.lost, taken: guarded.taken }).toEqual({ lost: [], taken: [] });
    total.lostWith += guarded.lost.length + guarded.taken.length;
    total.lostWithout += unguarded.lost.length + unguarded.taken.length;
    total.denied += guarded.denied;
    total.narrowed += guarded.narrowed;
    total.commits += guarded.commits;
  },
);

test.runIf(isLong)(
  "two clients that call `baton guard` before each edit and command lose nothing of each other's",
  async () => {
    const clients = new HookClients();
    onTestFinished(() => clients.close());
    const guarded = await twoSessions(1, 30, clients.guard);
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
