import { expect, test } from "vitest";
import { createDatabase } from "../../support/databases/databases.js";
import { RoundTrips } from "../../support/databases/round-trips.js";
import { Crew } from "../../support/fixtures/plan.js";
import { startApp } from "../../support/servers/app.js";

/** Through dispatch, which looks for the request's id and records the answer: docs/architecture.md says what they are. */
const BOUNDS = { claim: 12, completion: 8 } as const;

test("a claim and a completion take few round trips", async () => {
  const trips = await RoundTrips.to((await createDatabase("postgres")).location);
  const app = await startApp({ database: trips.url });
  const crew = new Crew(app);
  await app.call("create_project", { name: "demo" });
  const { run } = await crew.start([{ key: "a" }, { key: "b" }, { key: "c" }], { project: "demo" });
  // An agent is registered with its first call.
  await crew.complete(await crew.take("ann", { run: run.id }));

  let held: Awaited<ReturnType<typeof crew.take>> | undefined;
  const claim = await trips.of(async () => (held = await crew.take("ann", { run: run.id })));
  const completion = await trips.of(() => crew.complete(held!));
  expect(claim).toBeLessThanOrEqual(BOUNDS.claim);
  expect(completion).toBeLessThanOrEqual(BOUNDS.completion);
});
