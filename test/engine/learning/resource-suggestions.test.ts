import { describe, expect, test } from "vitest";
import { defaultSettings } from "../../../src/base/settings/defaults.js";
import { requireDefinition } from "../../../src/engine/definitions/definition.js";
import { suggestResources } from "../../../src/engine/learning/resource-suggestions.js";
import type { ConsumedSums } from "../../../src/store/learning/evidence.js";

const GIB = 2 ** 30;

/** Sums over commands of which each had so much memory, and used so many cores. */
function consumed(commands: readonly { gb: number; cores: number }[], weight = 1): ConsumedSums {
  const sum = (of: (one: { gb: number; cores: number }) => number) =>
    weight * commands.reduce((total, one) => total + of(one), 0);
  const log = ({ gb }: { gb: number }) => Math.log(gb * GIB);
  const count = sum(() => 1);
  return {
    id: "executor/build",
    memories: count,
    memoryLogSum: sum(log),
    memoryLogSquares: sum((one) => log(one) ** 2),
    cpus: count,
    cpuLogSum: 0,
    cpuLogSquares: 0,
    coresSum: sum(({ cores }) => cores),
    coresSquares: sum(({ cores }) => cores ** 2),
  };
}

const same = (gb: number, cores: number, count = 5) => Array.from({ length: count }, () => ({ gb, cores }));

function stepsOf(steps: readonly object[]) {
  return requireDefinition({ name: "plan", steps }, { limits: defaultSettings }).definition.steps;
}

function suggestedFor(step: object, sums: ConsumedSums | undefined) {
  const steps = stepsOf([{ key: "a", kind: "command", run: "make", type: "build", ...step }]);
  return suggestResources(steps, (type) => (type === "build" ? sums : undefined));
}

describe("resources of a command step", () => {
  test("are suggested where none are reserved: a quarter more memory than nineteen of twenty had, and whole cores", () => {
    expect(suggestedFor({}, consumed(same(2, 2.4)))).toEqual([
      {
        steps: ["a"],
        task_type: "build",
        resources: { memory: { gb: 2.5 }, cpu: { cores: 3 } },
        reason:
          "19 of 20 of 5 attempts had at most 2 GiB of memory at their peak, and none is reserved; 19 of 20 of 5 attempts used at most 2.4 cores in the mean, and none is reserved",
      },
    ]);
    // e^±1 around 1 GiB: the 95th percentile is e^1.6449.
    const [wide] = suggestedFor({}, consumed([...same(Math.E, 1, 3), ...same(1 / Math.E, 1, 3)]));
    expect(wide?.resources).toEqual({ memory: { gb: 6.5 } });
  });

  test("are not suggested before five attempts, nor for what is too little to reserve", () => {
    expect(suggestedFor({}, consumed(same(2, 3, 4)))).toEqual([]);
    expect(suggestedFor({}, consumed(same(2, 3, 10), 0.4))).toEqual([]);
    expect(suggestedFor({}, consumed(same(0.05, 1)))).toEqual([]);
    expect(suggestedFor({}, undefined)).toEqual([]);
    const agents = stepsOf([{ key: "a", prompt: "make it", type: "build" }]);
    expect(suggestResources(agents, () => consumed(same(2, 3)))).toEqual([]);
  });

  test.each([
    ["less than is needed", { memory: { gb: 1.9 }, cpu: { cores: 1 } }, { memory: { gb: 2.5 }, cpu: { cores: 3 } }],
    ["much more", { "memory@host": { gb: 5.1 }, cpu: { cores: 6 } }, { memory: { gb: 2.5 }, cpu: { cores: 3 } }],
    ["about as much", { memory: { gb: 2.1 }, cpu: { cores: 2.5 } }, undefined],
    ["somewhat more", { memory: { gb: 5 }, "cpu@host": { cores: 5 } }, undefined],
    ["what is no matter of these", { gpu: { units: 1 }, memory: { gb: 2.5 }, cpu: { cores: 3 } }, undefined],
  ])("are suggested by what is reserved: %s", (_, resources, wanted) => {
    expect(suggestedFor({ resources }, consumed(same(2, 2.4)))[0]?.resources).toEqual(wanted);
  });

  test("are suggested once for all steps of a type that reserve the same", () => {
    const command = (key: string, more: object = {}) => ({ key, kind: "command", run: "make", type: "build", ...more });
    const steps = stepsOf([
      ...Array.from({ length: 12 }, (_, at) => command(`s${at}`)),
      command("small", { resources: { memory: { gb: 1 }, cpu: { cores: 3 } } }),
    ]);
    const suggested = suggestResources(steps, () => consumed(same(2, 2.4)));
    expect(suggested.map(({ steps: keys, more }) => [keys.length, more])).toEqual([
      [10, 2],
      [1, undefined],
    ]);
    expect(suggested[1]).toMatchObject({ steps: ["small"], resources: { memory: { gb: 2.5 } } });
  });
});
