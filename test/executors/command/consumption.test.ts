import path from "node:path";
import { describe, expect, test } from "vitest";
import { exportStore, importStore } from "../../../src/app/transfers.js";
import { BACKENDS, createDatabase, temporaryDirectory } from "../../support/databases/databases.js";
import { openCommandFixture } from "../../support/fixtures/command-fixture.js";
import type { Step } from "../../support/fixtures/plan.js";
import { startApp, type TestApp } from "../../support/servers/app.js";

const MB = 1_000_000;
/** Holds memory until a look has seen it: there is one each second, and fewer where all is slow. */
const holds = (megabytes: number, ms = 3_000) =>
  `node -e 'const held = Buffer.alloc(${megabytes}e6, 1); setTimeout(() => held, ${ms})'`;
const BUSY = "node -e 'while (process.cpuUsage().user < 1.2e6);'";

const learnedOf = async (app: TestApp, task_type: string) =>
  (await app.call("get_learning", { task_type })).learning[0];

describe.runIf(process.platform === "linux").each(BACKENDS)(
  "memory and processor time of commands, on %s,",
  (backend) => {
    async function open() {
      const database = await createDatabase(backend);
      return { database, fixture: await openCommandFixture({ database: database.location }) };
    }

    test("are kept with the attempt and learned by type, for all processes and beyond them, until they are forgotten", async () => {
      const { database, fixture } = await open();
      const { run } = await fixture.start([
        { key: "a", run: holds(200), type: "build" },
        { key: "b", run: BUSY, type: "busy", output: {} },
      ]);
      expect(await fixture.ended(run)).toBe("succeeded");
      const { attempts } = await fixture.task(run, "a");
      const { memory_bytes: bytes, cpu_ms: ms } = attempts[0]!.usage as { memory_bytes: number; cpu_ms: number };
      expect(bytes).toBeGreaterThan(200 * MB);
      expect(bytes).toBeLessThan(400 * MB);
      const build = await learnedOf(fixture.app, "build");
      expect(build).toMatchObject({
        agent: "executor",
        memory: { median_bytes: bytes, p95_bytes: bytes, evidence: 1 },
        cpu: { median_ms: ms, evidence: 1 },
      });
      const busy = await learnedOf(fixture.app, "busy");
      expect(busy?.cpu?.median_ms).toBeGreaterThan(1_000);
      expect(busy?.cores?.median).toBeGreaterThan(0);
      expect(busy?.cores?.median).toBeLessThan(2);

      const other = await startApp({ database: database.location });
      expect(await learnedOf(other, "build")).toMatchObject({ memory: { median_bytes: bytes } });
      await fixture.app.close();
      await other.close();
      const store = await database.open();
      const { file } = await exportStore(store, path.join(temporaryDirectory(), "all.jsonl"));
      const moved = await createDatabase(backend === "sqlite" ? "postgres" : "sqlite");
      await importStore(await moved.open(), file);
      for (const { location } of [database, moved]) {
        const later = await startApp({ database: location });
        expect(await learnedOf(later, "build")).toMatchObject({
          memory: { median_bytes: bytes },
          cpu: { median_ms: ms },
        });
        await later.call("configure", { forget: { task_type: "build" } });
        expect(await learnedOf(later, "build")).toBeUndefined();
        expect(await learnedOf(later, "busy")).toHaveProperty("cpu");
      }
    }, 60_000);

    test("count where the command succeeded; of a failure memory alone, and where it was too much", async () => {
      const { fixture } = await open();
      const retry = { max_attempts: 1 };
      const { run } = await fixture.start([
        { key: "fails", run: `${holds(150)}; exit 1`, retry },
        { key: "greedy", run: `${holds(150)}; true`, retry, resources: { memory: { gb: 0.1 } } },
        { key: "unfit", run: BUSY, retry, output: { type: "object" } },
        { key: "late", run: holds(150), retry, timeouts: { start_to_close: "1s" } },
      ]);
      expect(await fixture.ended(run)).toBe("failed");
      for (const type of ["fails", "late", "unfit"]) {
        const learned = await learnedOf(fixture.app, type);
        expect(learned).toMatchObject({ success: { rate: 0 } });
        expect(learned).not.toHaveProperty("memory");
        expect(learned).not.toHaveProperty("cpu");
      }
      const greedy = await learnedOf(fixture.app, "greedy");
      expect(greedy?.memory?.p95_bytes).toBeGreaterThan(107 * MB);
      expect(greedy).not.toHaveProperty("cpu");
      const used = async (key: string) => (await fixture.task(run, key)).attempts[0]?.usage;
      expect(await used("fails")).toMatchObject({ memory_bytes: expect.any(Number), cpu_ms: expect.any(Number) });
      expect(await used("unfit")).toHaveProperty("cpu_ms");
    }, 60_000);

    test("are suggested as resources once five commands of a type were measured", async () => {
      const { fixture } = await open();
      const steps = (count: number): Step[] =>
        Array.from({ length: count }, (_, at) => ({
          key: `s${at}`,
          kind: "command",
          run: holds(150, 1_500),
          type: "build",
        }));
      const suggested = async (definition: { steps: readonly object[] }) =>
        (await fixture.app.call("validate_workflow", { definition: { name: "plan", ...definition } }))
          .suggested_resources;
      const { run: first } = await fixture.start(steps(4));
      expect(await fixture.ended(first)).toBe("succeeded");
      expect(await suggested({ steps: steps(12) })).toBeUndefined();
      const { run: second } = await fixture.start(steps(1));
      expect(await fixture.ended(second)).toBe("succeeded");
      const [suggestion, ...others] = (await suggested({ steps: steps(12) })) ?? [];
      expect(others).toEqual([]);
      expect(suggestion).toMatchObject({
        more: 2,
        task_type: "build",
        resources: { memory: { gb: expect.any(Number) } },
        reason: expect.stringMatching(/^19 of 20 of 5 attempts had at most 0\.\d+ GiB .* none is reserved$/),
      });
      const { resources } = suggestion!;
      expect(resources["memory"]!["gb"]).toBeGreaterThan(0.17);
      // A step that follows the suggestion gets none.
      expect(await suggested({ steps: steps(2).map((step) => ({ ...step, resources })) })).toBeUndefined();
    }, 90_000);
  },
);
