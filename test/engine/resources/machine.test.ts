import { describe, expect, test } from "vitest";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import type { Caller } from "../../../src/engine/context.js";
import { engineFor } from "../../../src/engine/engine.js";
import { allocate } from "../../../src/engine/resources/allocations.js";
import { listResources } from "../../../src/engine/resources/views.js";
import { BACKENDS } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";

const CALLER: Caller = {
  agent: "ann",
  session: null,
  clientSession: null,
  host: "here",
  workplace: { cwd: "/nowhere", gitRoot: null, caseInsensitive: false },
  channel: "agent",
};

describe.each(BACKENDS)("the cores of a machine on %s", (backend) => {
  async function lab() {
    const app = await startAppOn(backend);
    await app.call("register_agent", { name: "ann" });
    const store = await app.app.store();
    /** The machine with so many cores, as it may have after a restart. */
    return (cores: number) => {
      const machine = { cores, memoryBytes: 2 ** 33 };
      const parts = {
        version: "test",
        settings: () => defaultSettings,
        now: () => app.clock.now(),
        effects: [],
        machine,
      };
      const engine = engineFor(store, CALLER, parts);
      const take = async (wanted: number) => {
        const requirements = { cpu: { cores: wanted } };
        const request = { agent: "ann", requirements, priority: "normal", ttlMs: 60_000, waitMs: 0 } as const;
        return (await engine.transact((ctx) => allocate(ctx, request))).outcome;
      };
      const capacity = async () =>
        (await engine.read(listResources)).find(({ id }) => id === "cpu@here")?.capacity["cores"];
      return { take, capacity };
    };
  }

  test("are as many as it has now, more or fewer than at their first use", async () => {
    const on = await lab();
    expect(await on(4).take(1)).toBe("allocated");
    expect(await on(2).capacity()).toBe(2);
    expect(await on(2).take(3)).toBe("refused");
    expect(await on(8).capacity()).toBe(8);
    expect(await on(8).take(7)).toBe("allocated");
  });

  test("stay as many as are allocated, until some are freed", async () => {
    const on = await lab();
    expect(await on(4).take(3)).toBe("allocated");
    expect(await on(2).capacity()).toBe(4);
  });
});
