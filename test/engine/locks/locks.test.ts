import { describe, expect, test } from "vitest";
import { BatonError } from "../../../src/base/errors.js";
import { releaseSessionLocks } from "../../../src/engine/locks/expiry.js";
import { checkFileLock, listFileLocks, releaseFileLock } from "../../../src/engine/locks/locks.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { openLockRoom, type LockRoom } from "../../support/fixtures/lock-fixture.js";

const kinds = async (room: LockRoom) => (await room.events()).map(({ type, agent }) => `${type} ${agent}`);

describe.each(BACKENDS)("locks on %s", (backend) => {
  const open = (settings = {}) => openLockRoom(backend, settings);

  test("all paths are locked or none, and a refusal names the holder and the end of the lock", async () => {
    const room = await open();
    const held = await room.acquire("ann", ["src/a.ts", "src/b.ts"], { reason: "renaming" });
    expect(held).toMatchObject({ outcome: "granted", conflicts: [] });
    expect(held.locks.map(({ path, mode, token }) => [path, mode, token])).toEqual([
      ["src/a.ts", "exclusive", 1],
      ["src/b.ts", "exclusive", 2],
    ]);
    const refused = await room.acquire("bob", ["src/b.ts", "src/c.ts"]);
    expect(refused).toMatchObject({ outcome: "denied", locks: [], request: null, conflicts_total: 1 });
    expect(refused.conflicts).toEqual([
      {
        path: "src/b.ts",
        held_by: "ann",
        state: "held",
        mode: "exclusive",
        since: "2026-01-01T00:00:00.000Z",
        expires_at: "2026-01-01T00:30:00.000Z",
        reason: "renaming",
      },
    ]);
    expect(await room.outcome("bob", ["src/c.ts"])).toBe("granted");
  });

  test("directories and globs hold what they contain; who shares does not exclude who shares", async () => {
    const room = await open();
    expect(await room.outcome("ann", ["src/api/"], { mode: "shared" })).toBe("granted");
    expect(await room.outcome("bob", ["src/api/x.ts"], { mode: "shared" })).toBe("granted");
    expect(await room.outcome("cem", ["src/**/*.ts"], { mode: "shared" })).toBe("granted");
    const refused = await room.acquire("dan", ["src/api/x.ts"]);
    expect(refused.conflicts.map(({ held_by, locked_path }) => `${held_by} ${locked_path ?? "itself"}`).sort()).toEqual(
      ["ann src/api/", "bob itself", "cem src/**/*.ts"],
    );
    expect(await room.outcome("dan", ["**/*.md"])).toBe("denied");
    expect(await room.outcome("dan", ["docs/", "src/*.md"])).toBe("granted");
  });

  test("the same again is renewed under the same token and never shortened; a sole sharer is upgraded", async () => {
    const room = await open();
    const first = await room.acquire("ann", ["a.ts"], { mode: "shared", ttlMs: 60_000 });
    room.clock.advance(30_000);
    const again = await room.acquire("ann", ["a.ts", "b.ts"], { mode: "shared", ttlMs: 60_000 });
    expect(again.locks.map(({ token }) => token)).toEqual([1, 2]);
    expect(again.locks[0]?.expires_at).toBe("2026-01-01T00:01:30.000Z");
    expect(first.locks[0]?.expires_at).toBe("2026-01-01T00:01:00.000Z");
    const shorter = await room.acquire("ann", ["a.ts"], { mode: "exclusive", ttlMs: 1_000 });
    expect(shorter.locks).toEqual([{ ...again.locks[0], mode: "exclusive" }]);
    expect(await room.outcome("bob", ["a.ts"], { mode: "shared" })).toBe("denied");
    // Asking for less keeps what there is.
    expect((await room.acquire("ann", ["a.ts"], { mode: "shared" })).locks[0]?.mode).toBe("exclusive");
  });

  test("of two sharers neither is upgraded at once; one queues, the other would wait for ever", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"], { mode: "shared" });
    await room.acquire("bob", ["a.ts"], { mode: "shared" });
    expect(await room.outcome("ann", ["a.ts"])).toBe("denied");
    expect(await room.outcome("ann", ["a.ts"], { waitMs: 1000 })).toBe("queued");
    expect(await room.outcome("bob", ["a.ts"], { waitMs: 1000 })).toBe("deadlock");
    expect((await room.release("bob", ["a.ts"])).granted).toEqual([{ agent: "ann", paths: ["a.ts"] }]);
    expect((await room.acquire("ann", ["a.ts"])).locks).toHaveLength(1);
    expect(await room.outcome("bob", ["a.ts"], { mode: "shared" })).toBe("denied");
  });

  test("a release serves the queue in order, and no later request overtakes", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts", "b.ts"]);
    expect(await room.acquire("bob", ["a.ts", "b.ts"], { waitMs: 9_000 })).toMatchObject({
      outcome: "queued",
      position: 1,
    });
    room.clock.advance(10);
    expect(await room.acquire("cem", ["b.ts"], { waitMs: 9_000 })).toMatchObject({ outcome: "queued", position: 2 });
    const part = await room.release("ann", ["b.ts"]);
    // Bob waits for both, and Cem for Bob.
    expect(part).toMatchObject({ released: ["b.ts"], granted: [] });
    expect(await room.outcome("dan", ["b.ts"])).toBe("denied");
    const rest = await room.release("ann");
    expect(rest).toMatchObject({ released: ["a.ts"], granted: [{ agent: "bob", paths: ["a.ts", "b.ts"] }] });
    expect((await room.release("bob", ["b.ts"])).granted).toEqual([{ agent: "cem", paths: ["b.ts"] }]);
    expect(await kinds(room)).toEqual([
      "lock.granted ann",
      "lock.queued bob",
      "lock.queued cem",
      "lock.released ann",
      "lock.denied dan",
      "lock.released ann",
      "lock.granted bob",
      "lock.released bob",
      "lock.granted cem",
    ]);
  });

  test("several who share are served together", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"]);
    for (const agent of ["bob", "cem"]) await room.acquire(agent, ["a.ts"], { mode: "shared", waitMs: 9_000 });
    const { granted } = await room.release("ann");
    expect(granted.map(({ agent }) => agent)).toEqual(["bob", "cem"]);
  });

  test("a requester who is away when the lock is free gets an offer, which lapses; the next is served", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"]);
    await room.acquire("bob", ["a.ts"], { waitMs: 1_000 });
    room.clock.advance(100);
    await room.acquire("cem", ["a.ts"], { waitMs: 50_000 });
    room.clock.advance(2_000);
    expect(await room.release("ann")).toMatchObject({ granted: [], offered: [{ agent: "bob", paths: ["a.ts"] }] });
    expect((await room.acquire("dan", ["a.ts"])).conflicts[0]).toMatchObject({ held_by: "bob", state: "offered" });
    room.clock.advance(room.settings.lock_offer_ms);
    expect(await room.expire()).toBeGreaterThan(0);
    expect(await room.acquire("cem", ["a.ts"])).toMatchObject({ outcome: "granted" });
    expect(await room.outcome("bob", ["a.ts"])).toBe("denied");
    expect((await kinds(room)).slice(-5)).toEqual([
      "lock.offered bob",
      "lock.denied dan",
      "lock.withdrawn bob",
      "lock.granted cem",
      "lock.denied bob",
    ]);
  });

  test("an offer is accepted by the next call of that agent for those paths", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"]);
    await room.acquire("bob", ["a.ts"], { waitMs: 1_000 });
    room.clock.advance(2_000);
    await room.release("ann");
    room.clock.advance(room.settings.lock_offer_ms - 1);
    expect(await room.acquire("bob", ["a.ts"])).toMatchObject({ outcome: "granted" });
    room.clock.advance(60_000);
    expect(await room.expire()).toBe(0);
    expect(await room.outcome("cem", ["a.ts"])).toBe("denied");
  });

  test("a queue entry outlives the last call for a while, and then no request waits behind it", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"]);
    const { request } = await room.acquire("bob", ["a.ts", "b.ts"], { waitMs: 1_000 });
    room.clock.advance(1_000);
    const wait = { kind: "over" as const, request: request ?? "" };
    expect(await room.acquire("bob", ["a.ts", "b.ts"], { wait })).toMatchObject({
      outcome: "queued",
      position: 1,
    });
    expect(await room.outcome("cem", ["b.ts"])).toBe("denied");
    room.clock.advance(room.settings.lock_place_ms - 1);
    expect(await room.outcome("cem", ["b.ts"])).toBe("denied");
    room.clock.advance(1);
    expect(await room.outcome("cem", ["b.ts"])).toBe("granted");
    expect((await kinds(room)).slice(-2)).toEqual(["lock.withdrawn bob", "lock.granted cem"]);
  });

  test("an expired lock is broken by the next request that meets it, in favour of the first in the queue", async () => {
    const room = await open();
    await room.acquire("ann", ["src/"], { ttlMs: 1_000 });
    await room.acquire("bob", ["src/a.ts"], { waitMs: 60_000 });
    room.clock.advance(1_000);
    const refused = await room.acquire("cem", ["src/a.ts"]);
    expect(refused).toMatchObject({ outcome: "denied", conflicts: [{ held_by: "bob", state: "held" }] });
    const broken = (await room.events()).find(({ type }) => type === "lock.broken");
    expect(broken).toMatchObject({ agent: "ann", data: { why: "expired", held_by: "ann", broken_for: "cem" } });
  });

  test("the tick breaks it too, at most so many at a time, and reads only when nothing is due", async () => {
    const room = await open();
    await room.acquire(
      "ann",
      Array.from({ length: 150 }, (_, i) => `f${i}.ts`),
      { ttlMs: 1_000 },
    );
    expect(await room.expire()).toBe(0);
    room.clock.advance(1_000);
    expect([await room.expire(), await room.expire(), await room.expire()]).toEqual([100, 50, 0]);
  });

  test("a dead session's locks without a task are broken, on touch and by its end", async () => {
    const room = await open();
    await room.openSession("s1", room.clock.now() + 5_000);
    await room.acquire("ann", ["a.ts", "b.ts"], { session: "s1" });
    await room.acquire("bob", ["b.ts"], { waitMs: 60_000 });
    room.clock.advance(5_000);
    expect(await room.outcome("cem", ["a.ts"])).toBe("granted");
    await room.run("tick", (ctx) => releaseSessionLocks(ctx, "s1"));
    expect(await room.outcome("bob", ["b.ts"])).toBe("granted");
    const broken = (await room.events()).filter(({ type }) => type === "lock.broken");
    expect(broken.map(({ data }) => [data.why, data.broken_for])).toEqual([
      ["session_gone", "cem"],
      ["session_gone", null],
    ]);
  });

  test("an agent that comes back under a new session takes over its own locks", async () => {
    const room = await open();
    await room.openSession("s1", room.clock.now() + 5_000);
    await room.openSession("s2", room.clock.now() + 50_000);
    await room.acquire("ann", ["a.ts"], { session: "s1" });
    room.clock.advance(5_000);
    expect((await room.acquire("ann", ["a.ts"], { session: "s2" })).locks[0]?.token).toBe(1);
    await room.run("tick", (ctx) => releaseSessionLocks(ctx, "s1"));
    expect(await room.outcome("bob", ["a.ts"])).toBe("denied");
  });

  test("tokens only grow, also over the end of every lock", async () => {
    const room = await open();
    const tokens = [];
    for (const agent of ["ann", "bob", "ann"]) {
      const { locks } = await room.acquire(agent, ["a.ts"]);
      tokens.push(locks[0]?.token);
      await room.release(agent);
    }
    expect(tokens).toEqual([1, 2, 3]);
  });

  test("a release says what was not held, and takes requests out of the line whole", async () => {
    const room = await open();
    await room.acquire("ann", ["a.ts"]);
    await room.acquire("bob", ["a.ts", "b.ts"], { waitMs: 60_000 });
    await room.acquire("cem", ["b.ts"], { waitMs: 60_000 });
    const answer = await room.release("bob", ["b.ts", "other.ts"]);
    expect(answer).toMatchObject({
      released: [],
      not_held: ["other.ts"],
      granted: [{ agent: "cem", paths: ["b.ts"] }],
    });
    expect([...answer.withdrawn].sort()).toEqual(["a.ts", "b.ts"]);
    expect(await room.release("dan")).toMatchObject({ released: [], not_held: [], withdrawn: [] });
    await expect(room.run("ann", (ctx) => releaseFileLock(ctx, {}))).rejects.toThrow("which paths to release");
  });

  test("an edit is allowed unless another holds the path; the list tells holders and those who wait", async () => {
    const room = await open();
    await room.acquire("ann", ["src/"], { mode: "shared" });
    await room.acquire("bob", ["src/a.ts"], { waitMs: 60_000 });
    const check = (agent: string, path: string) => room.run(agent, (ctx) => checkFileLock(ctx, { agent, path }));
    expect(await check("ann", "src/a.ts")).toEqual({ allowed: true, held_by: [] });
    expect(await check("bob", "src/a.ts")).toMatchObject({ allowed: false, held_by: [{ held_by: "ann" }] });
    expect(await check("bob", "docs/a.md")).toMatchObject({ allowed: true });
    await room.acquire("cem", ["docs/a.md"]);
    const list = (query: object) => room.run("ann", (ctx) => listFileLocks(ctx, { limit: 50, ...query }));
    expect((await list({})).locks.map(({ path, state }) => [path, state])).toEqual([
      ["docs/a.md", "held"],
      ["src/", "held"],
      ["src/a.ts", "queued"],
    ]);
    expect((await list({ path: "src/**" })).locks.map(({ agent }) => agent)).toEqual(["ann", "bob"]);
    expect((await list({ agent: "cem" })).locks).toHaveLength(1);
    const seen: string[] = [];
    for (const query of [{}, { path: "**" }]) {
      let cursor: string | undefined;
      do {
        const page: Awaited<ReturnType<typeof list>> = await list({ ...query, limit: 1, cursor });
        seen.push(...page.locks.map(({ path }) => path));
        cursor = page.next_cursor;
      } while (cursor !== undefined);
    }
    expect(seen).toEqual(["docs/a.md", "src/", "src/a.ts", "docs/a.md", "src/", "src/a.ts"]);
  });

  test("too many paths, and too much to compare, are refused and change nothing", async () => {
    const room = await open({ patterns_max: 600 });
    const globs = (name: string) => Array.from({ length: 600 }, (_, i) => `**/${name}${i}*.ts`);
    await expect(
      room.acquire(
        "ann",
        Array.from({ length: 601 }, (_, i) => `f${i}`),
      ),
    ).rejects.toThrow("at most 600");
    expect(await room.outcome("ann", globs("a"))).toBe("granted");
    await expect(room.acquire("bob", globs("b"))).rejects.toThrow(BatonError);
    expect((await room.events()).filter(({ agent }) => agent === "bob")).toEqual([]);
  });

  test("the locks of a project are bounded; renewing and releasing stay possible", async () => {
    const room = await open();
    await room.acquire("ann", ["a"]);
    await room.store.transact(function* () {
      const more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24999)";
      const same = "owner, project, request, kind, mode, state, agent, task, session, token, since, expires_at, reason";
      yield [
        `INSERT INTO file_locks (id, path, prefix, ${same}) ${more} SELECT id || i, 'd/' || i, 'd/' || i, ${same} FROM file_locks CROSS JOIN n`,
      ];
    });
    await expect(room.acquire("bob", ["b"])).rejects.toMatchObject({
      code: "limit_exceeded",
      details: { locks: 25_000, added: 1, locks_max: 25_000 },
    });
    expect(await room.outcome("ann", ["a"])).toBe("granted");
    await room.release("ann", ["a"]);
    expect(await room.outcome("bob", ["b"])).toBe("granted");
  });
});

test("requests in line in one place are bounded: each further one is held against all of them", async () => {
  const room = await openLockRoom("sqlite", {});
  const paths = Array.from({ length: 1_000 }, (_, i) => `f${i}`);
  await room.acquire("ann", paths);
  for (const agent of ["bob", "cem"]) await room.acquire(agent, paths, { waitMs: 1_000 });
  await expect(room.acquire("dan", paths, { waitMs: 1_000 })).rejects.toMatchObject({
    code: "limit_exceeded",
    details: { queued: 2_000, added: 1_000, queued_max: 2_000 },
  });
  expect(await room.outcome("dan", paths)).toBe("denied");
  expect(await room.outcome("dan", ["f0"], { waitMs: 1_000 })).toBe("queued");
});
