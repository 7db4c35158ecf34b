import { expect, test } from "vitest";
import { claimTask } from "../../src/engine/claims/claims.js";
import type { EngineContext } from "../../src/engine/context.js";
import { requireDefinition } from "../../src/engine/definitions/definition.js";
import { executeWorkflow } from "../../src/engine/runs/executions.js";
import { requireProject } from "../../src/engine/projects/creation.js";
import type { Settings } from "../../src/base/settings.js";
import { completeTask } from "../../src/engine/tasks/tasks.js";
import { type Statement, statementsOf, type Tx } from "../../src/store/tx.js";
import { openLockRoom } from "../support/fixtures/lock-fixture.js";

/** Statements that everyday calls may take: on PostgreSQL each is a round trip, on SQLite some ten microseconds. */
const BOUNDS = { claim: 12, claimWithFiles: 16, complete: 10 } as const;
const PARKED_AT_ONCE_MAX = 64;

interface Step {
  readonly key: string;
  readonly prompt: string;
  readonly files?: { readonly write: readonly string[] };
}

/** Calls of the engine in transactions of their own, and how many statements each took. */
async function openCommandFixture(settings: Partial<Settings> = {}) {
  const room = await openLockRoom("sqlite", settings);
  const counted = async <T>(agent: string, command: (ctx: EngineContext) => Tx<T>) => {
    const statements: Statement[] = [];
    // With a process of its own, whose session keeps its leases: without one every call renews them, in two statements.
    const answer = await room.run(agent, (ctx) => recorded(command(ctx), statements), `session_of_${agent}`);
    // Every command is run twice here, which records each of its statements twice.
    return { answer, statements: statements.length / 2, parked: statements.filter(isParking).length / 2 };
  };
  return {
    start: (steps: readonly Step[]) => {
      const parsed = requireDefinition({ name: "plan", steps }, { limits: room.settings });
      return room.run("ann", function* (ctx) {
        const project = yield* requireProject(ctx);
        return (yield* executeWorkflow(ctx, { project, parsed, createdBy: "ann" })).run.id;
      });
    },
    claim: (agent: string, run: string) => counted(agent, (ctx) => claimTask(ctx, { run })),
    complete: (agent: string, held: { task: string; token: number }) =>
      counted(agent, (ctx) => completeTask(ctx, { ...held, result: { ok: true } })),
  };
}

function isParking([sql]: Statement): boolean {
  return sql.startsWith("UPDATE scope_lanes SET parked_on = $1");
}

function* recorded<T>(transaction: Tx<T>, statements: Statement[]): Tx<T> {
  let step = transaction.next();
  while (step.done !== true) {
    statements.push(...statementsOf(step.value));
    step = transaction.next(yield step.value);
  }
  return step.value;
}

type CommandFixture = Awaited<ReturnType<typeof openCommandFixture>>;

/** Claims until there is an answer: the claims, each in its transaction. */
async function claimAll(fixture: CommandFixture, agent: string, run: string) {
  const claims = [await fixture.claim(agent, run)];
  while (claims.at(-1)?.answer.outcome === "again") claims.push(await fixture.claim(agent, run));
  return claims;
}

async function claimAndComplete(fixture: CommandFixture, agent: string, run: string) {
  const claimed = await fixture.claim(agent, run);
  if (claimed.answer.outcome !== "claimed") throw new Error(`${agent} was given nothing: ${claimed.answer.outcome}`);
  const { task } = claimed.answer.brief;
  const completed = await fixture.complete(agent, { task: task.id, token: task.token });
  return { claim: claimed.statements, complete: completed.statements };
}

function stepsOf(count: number, filesOf?: (i: number) => readonly string[]): Step[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `step${i}`,
    prompt: "do it",
    ...(filesOf && { files: { write: filesOf(i) } }),
  }));
}

test("a claim by a known agent, and a completion that makes nothing ready", async () => {
  const fixture = await openCommandFixture();
  const run = await fixture.start(stepsOf(3));
  await claimAndComplete(fixture, "ann", run);
  const cost = await claimAndComplete(fixture, "ann", run);
  process.stderr.write(`statements: ${JSON.stringify(cost)}\n`);
  expect(cost.claim).toBeLessThanOrEqual(BOUNDS.claim);
  expect(cost.complete).toBeLessThanOrEqual(BOUNDS.complete);
});

test("a claim that locks a file, and the completion that frees it", async () => {
  const fixture = await openCommandFixture();
  const run = await fixture.start(stepsOf(3, (i) => [`src/file${i}.ts`]));
  await claimAndComplete(fixture, "ann", run);
  const cost = await claimAndComplete(fixture, "ann", run);
  process.stderr.write(`statements with a file: ${JSON.stringify(cost)}\n`);
  expect(cost.claim).toBeLessThanOrEqual(BOUNDS.claimWithFiles);
});

test("twenty thousand tasks behind one held file are set aside by one statement", { timeout: 300_000 }, async () => {
  const tasks = 20_000;
  const fixture = await openCommandFixture({ open_tasks_max: tasks });
  const run = await fixture.start(stepsOf(tasks, () => ["src/one.ts"]));
  expect((await fixture.claim("ann", run)).answer.outcome).toBe("claimed");
  const first = await claimAll(fixture, "bob", run);
  const further = await claimAll(fixture, "bob", run);
  const statements = [first, further].map((claims) => claims.map((claim) => claim.statements));
  process.stderr.write(`claims behind one held file, statements of each transaction: ${JSON.stringify(statements)}\n`);
  expect(first.reduce((sum, { parked }) => sum + parked, 0)).toBe(1);
  expect(further.map(({ answer }) => answer.outcome)).toEqual(["none"]);
  for (const claim of [...first, ...further]) expect(claim.statements).toBeLessThanOrEqual(BOUNDS.claimWithFiles);
});

test("many held files are set aside over several transactions, at most 64 in each", { timeout: 60_000 }, async () => {
  const held = 150;
  const fixture = await openCommandFixture();
  // All of them lie behind one directory that the first task locks.
  const first = { key: "all", prompt: "do it", files: { write: ["src/"] } };
  const run = await fixture.start([first, ...stepsOf(held, (i) => [`src/file${i}.ts`])]);
  expect((await fixture.claim("ann", run)).answer.outcome).toBe("claimed");
  const claims = await claimAll(fixture, "bob", run);
  process.stderr.write(`sets of files parked by each transaction: ${JSON.stringify(claims.map((c) => c.parked))}\n`);
  expect(claims.map(({ parked }) => parked).slice(0, 3)).toEqual([
    PARKED_AT_ONCE_MAX,
    PARKED_AT_ONCE_MAX,
    held - 2 * PARKED_AT_ONCE_MAX,
  ]);
  expect(claims.at(-1)?.answer.outcome).toBe("none");
  // One search and one parking for each, beside what every claim takes.
  for (const { parked, statements } of claims) {
    expect(statements).toBeLessThanOrEqual(BOUNDS.claimWithFiles + 4 * parked);
  }
});
