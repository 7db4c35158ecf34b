import { createHash } from "node:crypto";
import { brotliCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { keptBrief, openCheckpoint, requireCheckpoint } from "../../../src/engine/checkpoints/checkpoints.js";
import { packAtOnce } from "../../../src/engine/snapshots/codec.js";
import type { OpenSnapshot } from "../../../src/engine/snapshots/run-snapshot.js";
import type { TaskSpec } from "../../../src/store/tasks/tasks.js";
import type { Store } from "../../../src/store/tx.js";
import { startAppOn } from "../../support/servers/app.js";
import { Checker, findingsText } from "../../support/checker/checker.js";
import { CheckpointFixture } from "../../support/fixtures/checkpoint-fixture.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { Crew } from "../../support/fixtures/plan.js";

/** More than the first page holds. */
const TASKS = 130;
const STRANGE = ["two\nlines", 'a "word"', "back\\slash, comma", "snö ☃ 🦊", "\u2028 and \t", "'; --", "[null, 1]"];
const strange = (at: number): string => STRANGE[at % STRANGE.length] ?? "";

test.each(BACKENDS)("a checkpoint reads as it was copied, in this format and in the first, on %s", async (backend) => {
  const app = await startAppOn(backend, { channel: "human" });
  await app.call("create_project", { name: "demo", root: app.cwd });
  const [crew, fixture] = [new Crew(app), new CheckpointFixture(app)];
  const steps = Array.from({ length: TASKS }, (_, at) => ({
    key: `s${at}`,
    title: strange(at + 1),
    prompt: strange(at),
    needs: at < 3 ? [] : [`s${at - 1}`, `s${at - 3}`],
  }));
  const { run } = await crew.start(steps, { project: "demo" });
  await crew.complete(await crew.take("ann", { run: run.id }), { said: "first" });
  const before = await crew.statuses(run.id);
  const { checkpoint } = await fixture.create(run.id);
  const store = await app.app.store();
  const kept = await opened(store, checkpoint.id);
  const idOf = new Map(kept.tasks.map(({ row }) => [String(row["key"]), String(row["id"])]));
  const texts = kept.tasks.map(({ row, spec, needs }) => [
    row["key"],
    row["title"],
    (JSON.parse(spec) as TaskSpec).prompt,
    needs,
  ]);
  expect(new Map(texts.map(([key, ...rest]) => [key, rest]))).toEqual(
    new Map(
      steps.map(({ key, title, prompt, needs }) => [
        key,
        [title, prompt, needs.map((need) => idOf.get(need) ?? "").sort()],
      ]),
    ),
  );

  await storeInFormat1(store, checkpoint.id, kept);
  expect(await opened(store, checkpoint.id)).toEqual(kept);
  await crew.complete(await crew.take("ann", { run: run.id }));
  expect((await fixture.resume(checkpoint.id)).restored).toBeGreaterThan(0);
  expect(await crew.statuses(run.id)).toEqual(before);
  expect(findingsText(await new Checker(store).findings())).toBe("");
});

test.each(BACKENDS)("a run of many pages is copied whole, on %s", async (backend) => {
  const app = await startAppOn(backend, { channel: "human" });
  await app.call("create_project", { name: "demo", root: app.cwd });
  const [crew, fixture] = [new Crew(app), new CheckpointFixture(app)];
  const keys = Array.from({ length: 1_001 }, (_, at) => `s${at}`);
  const { run } = await crew.start(
    keys.map((key) => ({ key })),
    { project: "demo" },
  );
  const { checkpoint } = await fixture.create(run.id);
  expect(checkpoint.counts).toEqual({ ready: 1_001 });
  const { tasks } = await opened(await app.app.store(), checkpoint.id);
  expect(tasks.map(({ row }) => String(row["key"])).toSorted()).toEqual(keys.toSorted());
});

test.each(BACKENDS)("the brief that a checkpoint keeps is read without its pages, on %s", async (backend) => {
  const app = await startAppOn(backend, { channel: "human" });
  await app.call("create_project", { name: "demo", root: app.cwd });
  const { run } = await new Crew(app).start([{ key: "draft" }], { project: "demo" });
  const { checkpoint } = await new CheckpointFixture(app).create(run.id);
  const stored = await (await app.app.store()).read(() => requireCheckpoint(checkpoint.id));
  const { tasks: _, ...head } = await openCheckpoint(stored);
  const { parts, ...packed } = packAtOnce([JSON.stringify(head), "no page"]);
  const headAlone = { checkpoint: { ...stored.checkpoint, ...packed }, parts };
  await expect(openCheckpoint(headAlone)).rejects.toThrow("no page");
  expect(await keptBrief(headAlone)).toEqual(head.brief);
});

async function opened(store: Store, checkpoint: string): Promise<OpenSnapshot> {
  return openCheckpoint(await store.read(() => requireCheckpoint(checkpoint)));
}

/** Puts the same content in the place of a checkpoint's, as version 0.1 has stored it: each task as a JSON array of its own. */
async function storeInFormat1(store: Store, checkpoint: string, { tasks, ...head }: OpenSnapshot): Promise<void> {
  const rows = tasks.map(({ row, spec, needs }) => [
    ...head.columns.map((column) => row[column]),
    spec,
    needs.length === 0 ? null : needs.join(","),
  ]);
  const parts = [head, rows.slice(0, 100), rows.slice(100)].map((part) =>
    brotliCompressSync(JSON.stringify(part)).toString("base64"),
  );
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part}\n`);
  const digest = hash.digest("base64url");
  await store.transact(function* () {
    yield ["UPDATE checkpoints SET format = 1, hash = $1 WHERE id = $2", [digest, checkpoint]];
    yield ["DELETE FROM checkpoint_parts WHERE checkpoint = $1", [checkpoint]];
    for (const [number, data] of parts.entries())
      yield ["INSERT INTO checkpoint_parts (checkpoint, number, data) VALUES ($1, $2, $3)", [checkpoint, number, data]];
  });
}
