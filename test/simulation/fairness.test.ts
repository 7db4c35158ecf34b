import { expect, test } from "vitest";
import { seededRandom } from "../../src/runtime/random.js";
import { startApp } from "../support/servers/app.js";
import { byOrder } from "../support/checker/lanes.js";
import { readSnapshot, type Snapshot, type TaskRow } from "../support/checker/snapshot.js";
import { Draw } from "../support/draw.js";
import { Crew } from "../support/fixtures/plan.js";
import { CAPABILITIES, randomDefinition, ROLES } from "../support/fixtures/random-graph.js";

const AGEING_MS = 600_000;

test("a low task is served within its bound however many critical ones keep coming", async () => {
  const crew = new Crew(await startApp({ settings: { ageing_ms: AGEING_MS } }));
  const { call } = crew.app;
  await call("create_project", { name: "p", root: crew.app.cwd });
  await call("create_task", { project: "p", key: "patient", title: "patient", prompt: "wait", priority: "low" });
  const began = crew.app.clock.now();
  // Three levels lie between: each outweighs one interval of waiting, and a bucket may have begun just before.
  const boundMs = 4 * AGEING_MS;
  for (let minute = 0; ; minute++) {
    await call("create_task", { project: "p", title: `urgent ${minute}`, prompt: "now", priority: "critical" });
    const held = await crew.take("ann", { project: "p" });
    await crew.complete(held);
    if (held.key === "patient") break;
    expect(crew.app.clock.now() - began).toBeLessThan(boundMs);
    crew.app.clock.advance(60_000);
  }
  expect(crew.app.clock.now() - began).toBeGreaterThan(AGEING_MS);
});

test.each([1, 2, 3, 4, 5])(
  "no task is passed over: each claim takes the first that its agent can take (seed %i)",
  async (seed) => {
    const draw = new Draw(seededRandom(seed));
    const crew = new Crew(await startApp({ settings: { ageing_ms: AGEING_MS } }));
    const { app } = crew;
    await app.call("create_project", { name: "p", root: app.cwd });
    const store = await app.app.store();
    for (let at = 0; at < 3; at++) {
      const definition = randomDefinition(draw, { sizeMax: 40, timeouts: false });
      await app.call("execute_workflow", { project: "p", definition });
    }
    for (let claims = 0; claims < 60; claims++) {
      app.clock.advance(draw.int(0, 300_000));
      const offer = { roles: draw.some(ROLES, 0.5), requires: draw.some(CAPABILITIES, 0.5) };
      const before = await readSnapshot(store);
      const claim = await crew.claim("ann", { project: "p", ...offer });
      // Ann holds one task at a time, so no file is in her way.
      expect(claim.task?.id, `seed ${seed}, claim ${claims}`).toBe(claimable(before, offer)[0]);
      if (!claim.task || !claim.lease) continue;
      await crew.complete({ id: claim.task.id, token: claim.lease.token });
    }
  },
);

test.each([1, 2, 3, 4, 5, 6])(
  "files that are held are no way past the order: each claim takes the first task whose file is free (seed %i)",
  async (seed) => {
    const draw = new Draw(seededRandom(seed));
    const crew = new Crew(await startApp());
    const { app } = crew;
    await app.call("create_project", { name: "p", root: app.cwd });
    const waiting: { key: string; level: number; file: string | undefined }[] = [];
    for (const run of ["r", "t"]) {
      const steps = Array.from({ length: 14 }, (_, at) => {
        const level = draw.int(0, PRIORITY_LEVELS.length - 1);
        const file = draw.chance(0.7) ? draw.pick(["x", "y", "z"]) : undefined;
        waiting.push({ key: `${run}${at}`, level, file });
        return { key: `${run}${at}`, priority: PRIORITY_LEVELS[level], ...(file && { files: { write: [file] } }) };
      });
      await crew.start(steps, { project: "p" });
    }
    const held: { id: string; token: number; file: string | undefined }[] = [];
    for (let at = 0; waiting.length > 0 || held.length > 0; at++) {
      if (held.length === 4 || draw.chance(0.4)) {
        const [done] = held.splice(draw.int(0, Math.max(0, held.length - 1)), 1);
        if (done) await crew.complete(done);
        continue;
      }
      const free = waiting.filter(({ file }) => file === undefined || held.every((other) => other.file !== file));
      const first = free.toSorted((a, b) => a.level - b.level)[0];
      const claim = await crew.claim(`agent-${at}`, { project: "p" });
      expect(claim.task?.key, `seed ${seed}, step ${at}`).toBe(first?.key);
      if (!claim.task || !claim.lease || !first) continue;
      waiting.splice(waiting.indexOf(first), 1);
      held.push({ id: claim.task.id, token: claim.lease.token, file: first.file });
    }
  },
);

const PRIORITY_LEVELS = ["critical", "high", "normal", "low"] as const;

interface Offer {
  readonly roles: readonly string[];
  readonly requires: readonly string[];
}

/** Returns the tasks that an offer could take, in the right order. */
function claimable({ tasks, demands }: Snapshot, offer: Offer): string[] {
  const meets = ({ status, demand }: TaskRow): boolean => {
    const asked = demands.get(demand);
    if (status !== "ready" || !asked) return false;
    const roles: readonly (string | null)[] = [null, ...offer.roles];
    return roles.includes(asked.role) && asked.requires.every((capability) => offer.requires.includes(capability));
  };
  return [...tasks.values()]
    .filter(meets)
    .sort(byOrder)
    .map(({ id }) => id);
}
