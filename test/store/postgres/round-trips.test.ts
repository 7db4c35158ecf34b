import { expect, onTestFinished, test } from "vitest";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import type { Brief } from "../../../src/engine/claims/brief.js";
import { claimTask } from "../../../src/engine/claims/claims.js";
import { requireDefinition } from "../../../src/engine/definitions/definition.js";
import { requireProject } from "../../../src/engine/projects/creation.js";
import { executeWorkflow } from "../../../src/engine/runs/executions.js";
import { completeTask, reportProgress } from "../../../src/engine/tasks/tasks.js";
import { openPostgres } from "../../../src/store/postgres/postgres.js";
import { createDatabase, testRuntime } from "../../support/databases/databases.js";
import { RoundTrips } from "../../support/databases/round-trips.js";
import { LockRoom } from "../../support/fixtures/lock-fixture.js";

const SESSION = "session_of_ann";

/** At most so many: BEGIN and COMMIT travel with the first and the last of them. */
const ROUND_TRIPS: Readonly<Record<string, number>> = {
  claim: 3,
  progress: 2,
  complete: 2,
  claimWithFile: 5,
  completeWithFile: 6,
  lock: 10,
  unlock: 10,
};

test("everyday calls take few round trips", async () => {
  const trips = await RoundTrips.to((await createDatabase("postgres")).location);
  const runtime = testRuntime();
  const store = await openPostgres({ url: trips.url, poolSize: 1, runtime });
  onTestFinished(() => store.close());
  const room = new LockRoom(store, runtime.clock, defaultSettings);
  const start = (steps: readonly { readonly key: string; readonly [field: string]: unknown }[]) =>
    room.run("ann", function* (ctx) {
      const project = yield* requireProject(ctx);
      const definition = { name: "plan", steps: steps.map((step) => ({ prompt: "do it", ...step })) };
      const parsed = requireDefinition(definition, { limits: defaultSettings });
      return (yield* executeWorkflow(ctx, { project, parsed, createdBy: "ann" })).run.id;
    });
  let brief: Brief | undefined;
  const claim = (run: string) =>
    trips.of(async () => {
      const claimed = await room.run("ann", (ctx) => claimTask(ctx, { run }), SESSION);
      brief = claimed.outcome === "claimed" ? claimed.brief : undefined;
    });
  const held = () => ({ task: brief?.task.id ?? "", token: brief?.task.token ?? 0 });
  const complete = () =>
    trips.of(() => room.run("ann", (ctx) => completeTask(ctx, { ...held(), result: { ok: true } }), SESSION));
  const progress = () =>
    trips.of(() => room.run("ann", (ctx) => reportProgress(ctx, { ...held(), percent: 10 }), SESSION));
  const plain = await start([{ key: "a" }, { key: "b" }, { key: "c" }]);
  const files = await start(["a", "b"].map((key) => ({ key, files: { write: [`${key}.md`] } })));
  // An agent is registered with its first call.
  await claim(plain);
  await complete();

  const taken = {
    claim: await claim(plain),
    progress: await progress(),
    complete: await complete(),
    claimWithFile: await claim(files),
    completeWithFile: await complete(),
    lock: await trips.of(() => room.acquire("ann", ["c.md"], { session: SESSION })),
    unlock: await trips.of(() => room.release("ann", ["c.md"])),
  };
  const over = Object.entries(taken).filter(([call, count]) => count > (ROUND_TRIPS[call] ?? 0));
  expect(over, `round trips: ${JSON.stringify(taken)}`).toEqual([]);
});
