import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listLocks } from "../../../src/store/locks/lists.js";
import type { Lock } from "../../../src/store/locks/locks.js";
import { findCycle, type WaitEdge } from "../../../src/engine/graph/dag.js";
import { patternOf } from "../../../src/engine/locks/conflicts.js";
import { overlaps } from "../../../src/engine/paths/paths.js";
import { statementsOf } from "../../../src/store/tx.js";
import { type LockEvent, type LockRoom, openLockRoom } from "../../support/fixtures/lock-fixture.js";

describe("a wait that would never end", () => {
  test("is refused with the cycle, in the call that would begin it, and leaves no place in line", async () => {
    const room = await openLockRoom();
    await room.acquire("ann", ["a.ts"]);
    await room.acquire("bob", ["b.ts"]);
    expect(await room.outcome("ann", ["b.ts"], { waitMs: 60_000 })).toBe("queued");
    const refused = await room.acquire("bob", ["a.ts"], { waitMs: 60_000 });
    expect(refused).toMatchObject({ outcome: "deadlock", request: null, conflicts: [{ held_by: "ann" }] });
    expect(refused.cycle?.map(({ agent }) => agent)).toEqual(["bob", "ann", "bob"]);
    expect((await room.events()).at(-1)).toMatchObject({ type: "lock.deadlock", agent: "bob" });
    // Not to wait is no wait.
    expect(await room.outcome("bob", ["a.ts"])).toBe("denied");
    expect((await room.release("bob")).granted).toEqual([{ agent: "ann", paths: ["b.ts"] }]);
  });

  test("is seen through globs, through several parties, and through those who asked earlier", async () => {
    const room = await openLockRoom();
    await room.acquire("ann", ["src/a/"]);
    await room.acquire("bob", ["src/b/*.ts"]);
    await room.acquire("cem", ["docs/"]);
    expect(await room.outcome("ann", ["src/b/x.ts"], { waitMs: 60_000 })).toBe("queued");
    expect(await room.outcome("bob", ["docs/x.md"], { waitMs: 60_000 })).toBe("queued");
    // Dan holds nothing, but asked for a file of Ann's and one of his own before Cem does.
    expect(await room.outcome("dan", ["src/a/x.ts", "misc/y"], { waitMs: 60_000 })).toBe("queued");
    const refused = await room.acquire("cem", ["misc/**"], { waitMs: 60_000 });
    expect(refused.outcome).toBe("deadlock");
    expect(refused.cycle?.map(({ agent }) => agent)).toEqual(["cem", "dan", "ann", "bob", "cem"]);
    expect(await room.outcome("eve", ["misc/**"], { waitMs: 60_000 })).toBe("queued");
  });

  test("is not seen where a holder of the file has passed those in line", async () => {
    const room = await openLockRoom();
    await room.acquire("pam", ["x"], { mode: "shared" });
    await room.acquire("quin", ["x"], { mode: "shared" });
    expect(await room.outcome("will", ["x"], { waitMs: 60_000 })).toBe("queued");
    expect(await room.outcome("quin", ["x"], { waitMs: 60_000 })).toBe("queued");
    // Quin waits for Pam alone, and not behind Will.
    expect(await room.outcome("will", ["x"], { waitMs: 60_000 })).toBe("queued");
    await room.release("pam");
    expect((await room.release("quin")).granted).toEqual([{ agent: "will", paths: ["x"] }]);
  });

  test("is not seen where a place in line has lapsed", async () => {
    const room = await openLockRoom();
    await room.acquire("ann", ["a.ts"]);
    await room.acquire("bob", ["b.ts"]);
    await room.acquire("ann", ["b.ts"], { waitMs: 1_000 });
    room.clock.advance(1_000 + room.settings.lock_place_ms);
    expect(await room.outcome("bob", ["a.ts"], { waitMs: 1_000 })).toBe("queued");
  });

  test("is looked for among what can be reached only, however many others wait", async () => {
    const statements = [];
    for (const others of [1, 100]) {
      const room = await openLockRoom();
      await room.acquire("ann", ["a.ts"]);
      for (let i = 0; i < others; i++) {
        await room.acquire(`holder${i}`, [`other/${i}.ts`]);
        await room.acquire(`waiter${i}`, [`other/${i}.ts`], { waitMs: 60_000 });
      }
      statements.push(await countStatements(room, () => room.acquire("bob", ["a.ts"], { waitMs: 60_000 })));
    }
    expect(statements[1]).toBe(statements[0]);
  });
});

async function countStatements(room: LockRoom, work: () => Promise<unknown>): Promise<number> {
  let statements = 0;
  const { store } = room;
  const transact = store.transact.bind(store);
  store.transact = (command, options) =>
    transact(function* (ctx) {
      const transaction = command(ctx);
      let step = transaction.next();
      while (step.done !== true) {
        statements += statementsOf(step.value).length;
        step = transaction.next(yield step.value);
      }
      return step.value;
    }, options);
  await work();
  store.transact = transact;
  return statements;
}

const AGENTS = ["ann", "bob", "cem", "dan"] as const;
const PATTERNS = ["a/1", "a/2", "a/", "a/*", "b/1", "b/**", "**/1", "c"] as const;

type Step =
  | {
      kind: "acquire";
      agent: string;
      paths: string[];
      mode: "exclusive" | "shared";
      waitMs: number | undefined;
      ttlMs: number;
    }
  | { kind: "release"; agent: string; paths: string[] | undefined }
  | { kind: "advance"; ms: number }
  | { kind: "expire" };

const agent = fc.constantFrom(...AGENTS);
const paths = fc.uniqueArray(fc.constantFrom(...PATTERNS), { minLength: 1, maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("acquire" as const),
      agent,
      paths,
      mode: fc.constantFrom("exclusive" as const, "exclusive" as const, "shared" as const),
      waitMs: fc.constantFrom(undefined, 1_000, 50_000, 50_000),
      ttlMs: fc.constantFrom(20_000, 1_800_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("release" as const), agent, paths: fc.option(paths, { nil: undefined }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(10, 5_000, 40_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "expire" as const }) },
);

describe("any history", () => {
  test("no two hold one path, no wait is endless, no free path is waited for, tokens grow", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const room = await openLockRoom();
        for (const one of steps) {
          await take(room, one);
          const locks = await allLocks(room);
          expect(overlappingHolds(locks)).toEqual([]);
          expect(findCycle(waits(locks))).toBeUndefined();
        }
        // Once all queue entries and offers have lapsed or been served, the queue is empty.
        for (const name of AGENTS) await room.release(name);
        for (let i = 0; i < 10; i++) {
          room.clock.advance(60_000);
          await room.expire();
          for (const name of AGENTS) await room.release(name);
        }
        expect(await allLocks(room)).toEqual([]);
        expect(brokenRules(await room.events())).toEqual([]);
      }),
      { numRuns: 40 },
    );
  }, 300_000);

  test("a release serves the waiting requests that it makes possible", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const room = await openLockRoom();
        for (const one of steps) {
          if (one.kind === "advance" || one.kind === "expire") continue;
          await take(room, one);
          expect(servable(await allLocks(room))).toEqual([]);
        }
      }),
      { numRuns: 40 },
    );
  }, 300_000);
});

async function take(room: LockRoom, one: Step): Promise<void> {
  if (one.kind === "advance") room.clock.advance(one.ms);
  else if (one.kind === "expire") await room.expire();
  else if (one.kind === "release") await room.release(one.agent, one.paths);
  else {
    const { agent: name, paths: asked, mode, ttlMs, waitMs } = one;
    await room.acquire(name, asked, { mode, ttlMs, ...(waitMs === undefined ? {} : { waitMs }) });
  }
}

async function allLocks(room: LockRoom): Promise<Lock[]> {
  const project = await room.project();
  return room.store.read(() => listLocks(room.clock.now(), { project: project.id, limit: 1_000 }));
}

const meet = (a: Lock, b: Lock) =>
  a.agent !== b.agent && !(a.mode === "shared" && b.mode === "shared") && overlaps(patternOf(a), patternOf(b));

function overlappingHolds(locks: readonly Lock[]): string[] {
  const held = locks.filter(({ state }) => state !== "queued");
  return held.flatMap((a) =>
    held.filter((b) => meet(a, b)).map((b) => `${a.agent} ${a.path} and ${b.agent} ${b.path}`),
  );
}

const isEarlier = (a: Lock, b: Lock) => {
  const [x, y] = [a.queueEntry, b.queueEntry];
  if (!x || !y || a.request === b.request) return false;
  return (x.position - y.position || x.askedAt - y.askedAt || (a.request < b.request ? -1 : 1)) < 0;
};

/** Computes the wait-for edges without the engine. */
function waits(locks: readonly Lock[]): WaitEdge[] {
  const queued = locks.filter(({ state }) => state === "queued");
  return queued.flatMap((waiter) =>
    locks
      .filter((other) => meet(waiter, other) && (other.state !== "queued" || isEarlier(other, waiter)))
      .filter(
        (other) => !(other.state === "queued" && locks.some((own) => own.state === "held" && covers(own, waiter))),
      )
      .map((other): WaitEdge => [waiter.agent, other.agent]),
  );
}

function covers(own: Lock, waiter: Lock): boolean {
  if (own.agent !== waiter.agent) return false;
  return own.path === waiter.path || (waiter.kind === "file" && overlaps(patternOf(own), patternOf(waiter)));
}

/** Requests in line for which nothing stands in the way. */
function servable(locks: readonly Lock[]): string[] {
  const queued = locks.filter(({ state }) => state === "queued");
  const held = locks.filter(({ state }) => state !== "queued");
  const isHeldUp = (lock: Lock) => {
    const mayPass = held.some((own) => own.state === "held" && covers(own, lock));
    return (
      held.some((other) => meet(lock, other)) ||
      (!mayPass && queued.some((other) => meet(lock, other) && isEarlier(other, lock)))
    );
  };
  const heldUp = new Set(queued.filter(isHeldUp).map(({ request }) => request));
  return queued.map(({ request }) => request).filter((request) => !heldUp.has(request));
}

/** The rules that the history alone must show. */
function brokenRules(events: readonly LockEvent[]): string[] {
  const held = new Map<number, { agent: string; path: string; mode: string }>();
  const problems: string[] = [];
  let last = 0;
  for (const { type, agent: name, data } of events) {
    for (const { path, mode, token } of data.locks ?? []) {
      if (type === "lock.released" || type === "lock.broken") {
        if (!held.delete(token)) problems.push(`${token} ended twice`);
      } else if (held.has(token)) {
        held.set(token, { agent: name ?? "", path, mode });
      } else {
        if (token <= last) problems.push(`${token} after ${last}`);
        last = token;
        held.set(token, { agent: name ?? "", path, mode });
      }
    }
  }
  if (held.size > 0) problems.push(`${held.size} never ended`);
  return problems;
}
