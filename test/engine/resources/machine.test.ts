import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { nameFrom } from "../../../src/base/names.js";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { engineFor } from "../../../src/engine/engine.js";
import { allocate } from "../../../src/engine/resources/allocations.js";
import { listResources } from "../../../src/engine/resources/views.js";
import { NvidiaGpus } from "../../../src/runtime/machine/gpus.js";
import { BACKENDS, temporaryDirectory } from "../../support/databases/databases.js";
import { startAppOn } from "../../support/servers/app.js";
import { batonJson, startCommandLineFixture } from "../../support/servers/command-line.js";
import { CALLER } from "../../support/databases/caller.js";

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

describe.each(BACKENDS)("the resources of a machine on %s", (backend) => {
  test("are forgotten at the first use of another machine's, where no holder has any and no session is open", async () => {
    const app = await startAppOn(backend);
    for (const name of ["ann", "ben"]) await app.call("register_agent", { name });
    const store = await app.app.store();
    const on = (host: string) =>
      engineFor(
        store,
        { ...CALLER, host },
        {
          version: "test",
          settings: () => defaultSettings,
          now: () => app.clock.now(),
          effects: [],
          machine: { cores: 4, memoryBytes: 2 ** 33 },
        },
      );
    const ask = {
      agent: "ann",
      requirements: { cpu: { cores: 1 } },
      priority: "normal",
      ttlMs: 60_000,
      waitMs: 0,
    } as const;
    const first = await on("gone-1").transact((ctx) => allocate(ctx, ask));
    await on("held").transact((ctx) => allocate(ctx, ask));
    if (first.outcome !== "allocated") throw new Error("nothing was allocated");
    await app.call("deallocate_resources", { agent: "ann", allocation: first.allocation.id });
    await app.call("allocate_resources", { agent: "ben", requirements: { cpu: { cores: 0.1 } } });
    await app.call("deallocate_resources", { agent: "ben" });
    await on("third").transact((ctx) => allocate(ctx, ask));
    const left = (await on("third").read(listResources)).flatMap(({ id }) => (id.startsWith("cpu") ? [id] : []));
    const own = `cpu@${nameFrom(os.hostname(), "host")}`;
    expect(left).toEqual([own, "cpu@held", "cpu@third"].toSorted());
  });
});

/** A directory with a program called nvidia-smi, and how often that has been asked. */
function smiThat(does: string): { readonly directory: string; readonly asked: () => number } {
  const directory = temporaryDirectory();
  const file = path.join(directory, "nvidia-smi");
  writeFileSync(file, `#!/bin/sh\necho "$*" >> ${directory}/asked\n${does}\n`, { mode: 0o755 });
  return { directory, asked: () => readFileSync(path.join(directory, "asked"), "utf8").split("\n").length - 1 };
}

const THREE = "echo NVIDIA A100; echo NVIDIA A100; echo Tesla T4";

describe.each(BACKENDS)("the GPUs of a machine on %s", (backend) => {
  async function on(gpus: NvidiaGpus) {
    const app = await startAppOn(backend);
    await app.call("register_agent", { name: "ann" });
    const machine = { cores: 4, memoryBytes: 2 ** 33, gpus };
    const parts = {
      version: "test",
      settings: () => defaultSettings,
      now: () => app.clock.now(),
      effects: [],
      machine,
    };
    return engineFor(await app.app.store(), CALLER, parts);
  }

  test("are there without being registered where nvidia-smi names them, and it is asked once", async () => {
    const smi = smiThat(THREE);
    const engine = await on(new NvidiaGpus(`bin:/nowhere:${smi.directory}`));
    const requirements = { gpu: { units: 2 } };
    const request = { agent: "ann", requirements, priority: "normal", ttlMs: 60_000, waitMs: 0 } as const;
    expect(await engine.transact((ctx) => allocate(ctx, request))).toMatchObject({
      outcome: "allocated",
      allocation: { amounts: [{ resource: "gpu@here", unit: "units", amount: 2_000 }] },
    });
    expect(await engine.transact((ctx) => allocate(ctx, request))).toMatchObject({ outcome: "refused" });
    const gpu = (await engine.read(listResources)).find(({ type }) => type === "gpu");
    expect(gpu).toMatchObject({
      name: "NVIDIA A100 (2), Tesla T4 (1)",
      capacity: { units: 3 },
      allocated: { units: 2 },
    });
    expect(smi.asked()).toBe(1);
  });

  test.each([
    ["fails", "echo NVIDIA-SMI has failed; exit 9"],
    ["finds none", "exit 0"],
  ])("are none where it %s", async (_, does) => {
    const engine = await on(new NvidiaGpus(smiThat(does).directory));
    expect((await engine.read(listResources)).map(({ type }) => type)).toEqual(["cpu", "memory"]);
  });
});

describe("a program called nvidia-smi", () => {
  test("is asked by a command that needs resources, and by no other", async () => {
    const smi = smiThat(THREE);
    const fixture = startCommandLineFixture({ env: { PATH: `${smi.directory}:${process.env["PATH"]}` } });
    await batonJson(fixture, ["call", "register_agent", "--name", "ann"]);
    expect(smi.asked).toThrow("ENOENT");
    expect(await batonJson(fixture, ["call", "list_resources"])).toMatchObject({
      resources: [{ type: "cpu" }, { type: "gpu", capacity: { units: 3 } }, { type: "memory" }],
    });
    expect(smi.asked()).toBe(1);
  });

  test("is none where PATH names it by a relative directory: a project could bring one", () => {
    expect(new NvidiaGpus("bin:.").names).toEqual([]);
  });
});
