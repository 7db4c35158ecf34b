import { expect, test } from "vitest";
import { lockScope, releaseTaskLocks } from "../../../src/engine/locks/task-locks.js";
import { modedPatterns, normaliseScope } from "../../../src/engine/paths/file-sets.js";
import { locksOfTask } from "../../../src/store/locks/locks.js";
import { type Statement, statementsOf, type Tx } from "../../../src/store/tx.js";
import { type LockRoom, openLockRoom } from "../../support/fixtures/lock-fixture.js";
import { processorMs } from "../../support/servers/processor-time.js";

const ROUNDS = 200;

/** Locks and places in line of others, all over the tree and in the directory next door. */
async function fill(room: LockRoom, others: number): Promise<void> {
  const names = Array.from({ length: others }, (_, i) => `area${i % 100}/sub/${i}.ts`);
  for (let at = 0; at < others; at += 1_000) {
    const some = names.slice(at, at + 1_000);
    await room.acquire(`holder${at}`, some);
    await room.acquire(`waiter${at}`, some.slice(0, 500), { waitMs: 60_000 });
  }
}

async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    times.push(await processorMs(work));
  }
  return times.sort((a, b) => a - b)[ROUNDS / 2] ?? NaN;
}

async function* figures() {
  for (const others of [10, 10_000]) {
    const room = await openLockRoom();
    await fill(room, others);
    const lockAndRelease = async (paths: string[]) => {
      expect(await room.outcome("ann", paths)).toBe("granted");
      await room.release("ann", paths);
    };
    yield {
      others,
      file_ms: await medianMs(() => lockAndRelease(["mine/src/engine/a.ts"])),
      directory_ms: await medianMs(() => lockAndRelease(["mine/src/"])),
      glob_ms: await medianMs(() => lockAndRelease(["mine/**/*.ts", "mine/docs/*.md"])),
      release_of_nothing_ms: await medianMs(() => room.release("ann", ["mine/a.ts"])),
    };
  }
}

test("locking and releasing cost the same beside 10 and beside 10,000 other locks", { timeout: 300_000 }, async () => {
  const measured = [];
  for await (const figure of figures()) measured.push(figure);
  process.stderr.write(`acquire + release, median of ${ROUNDS}, each command run twice: ${JSON.stringify(measured)}\n`);
  const [few, many] = measured;
  expect(many?.file_ms).toBeLessThan(3 * (few?.file_ms ?? 0) + 1);
  expect(many?.directory_ms).toBeLessThan(3 * (few?.directory_ms ?? 0) + 1);
  expect(many?.glob_ms).toBeLessThan(3 * (few?.glob_ms ?? 0) + 1);
});

test("a claim's scope takes a few statements, and each search is served by an index", async () => {
  const room = await openLockRoom();
  await fill(room, 100);
  const project = await room.project();
  const scope = normaliseScope(project, { write: ["src/api/a.ts", "src/api/b/", "src/web/**/*.ts"], read: ["docs/"] });
  const paths = { write: scope.write.map(({ path }) => path), read: scope.read.map(({ path }) => path) };
  const patterns = modedPatterns(paths, false);
  const request = { project, task: "task_1", agent: "ann", session: null, patterns };
  const locking: Statement[] = [];
  await room.run("ann", (ctx) => recorded(lockScope(ctx, request), locking));
  const releasing: Statement[] = [];
  await room.run("ann", function* (ctx) {
    const locks = yield* recorded(locksOfTask("task_1"), releasing);
    return yield* recorded(releaseTaskLocks(ctx, project.id, locks), releasing);
  });
  // Every command is run twice here, which records each of its statements twice.
  expect([locking.length / 2, releasing.length / 2]).toEqual([3, 4]);
  const searches = [...locking, ...releasing].filter(([sql]) => sql.startsWith("SELECT"));
  for (const [sql, params] of searches) {
    const plan = await room.store.read(function* (): Tx<string[]> {
      return (yield [`EXPLAIN QUERY PLAN ${sql}`, params ?? []]).map((row) => String(row["detail"]));
    });
    expect(plan.filter((line) => line.startsWith("SCAN"))).toEqual([]);
  }
});

function* recorded<T>(transaction: Tx<T>, statements: Statement[]): Tx<T> {
  let step = transaction.next();
  while (step.done !== true) {
    statements.push(...statementsOf(step.value));
    step = transaction.next(yield step.value);
  }
  return step.value;
}
