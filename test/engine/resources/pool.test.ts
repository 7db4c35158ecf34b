import { describe, expect, test } from "vitest";
import { Pool, type PooledResource, serve, summed, type Waiting } from "../../../src/engine/resources/pool.js";
import { seededRandom } from "../../../src/runtime/random.js";

const CPU: PooledResource = {
  id: "cpu",
  usersMax: null,
  units: [{ unit: "cores", capacity: 9_000, allocated: 0 }],
  users: [],
};
const MEMORY: PooledResource = {
  id: "memory",
  usersMax: null,
  units: [{ unit: "gb", capacity: 18_000, allocated: 0 }],
  users: [],
};

function wanted(cores: number, gb = 0) {
  return [
    { resource: "cpu", unit: "cores", amount: cores * 1_000 },
    { resource: "memory", unit: "gb", amount: gb * 1_000 },
  ].filter(({ amount }) => amount > 0);
}

function request([id, holder]: readonly [string, string], amounts: Waiting["amounts"], askedAt = 0): Waiting {
  return { id, holder, bucket: 0, askedAt, amounts };
}

describe("serving who waits", () => {
  test("divides by dominant share, as in the example of Ghodsi et al., NSDI 2011", () => {
    // Nine cores and 18 GB: A wants <1, 4> a task, B <3, 1>. A gets three tasks, B two.
    const requests = Array.from({ length: 10 }, (_, at) => [
      request([`a${at}`, "A"], wanted(1, 4)),
      request([`b${at}`, "B"], wanted(3, 1)),
    ]).flat();
    const served = serve(new Pool([CPU, MEMORY]), requests, new Map());
    const granted = requests.filter(({ id }) => served.get(id)?.length === 0);
    expect(granted.filter(({ holder }) => holder === "A")).toHaveLength(3);
    expect(granted.filter(({ holder }) => holder === "B")).toHaveLength(2);
  });

  test("keeps for a large request what it asks for, and nothing for one that can never fit", () => {
    const large = request(["large", "A"], wanted(9));
    const never = request(["never", "B"], wanted(10));
    const small = request(["small", "C"], wanted(1), 1);
    const busy: PooledResource = { ...CPU, units: [{ unit: "cores", capacity: 9_000, allocated: 4_000 }] };
    const behindLarge = serve(new Pool([busy]), [large, small], new Map());
    expect([...behindLarge].map(([id, short]) => [id, short.length])).toEqual([
      ["large", 1],
      ["small", 1],
    ]);
    const behindNever = serve(new Pool([busy]), [never, small], new Map());
    expect(behindNever.get("never")).toMatchObject([{ never: true }]);
    expect(behindNever.get("small")).toEqual([]);
  });

  test("never grants more than there is", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 200; round++) {
      const requests = Array.from({ length: 12 }, (_, at) =>
        request(
          [`r${at}`, `h${Math.floor(random.next() * 4)}`],
          wanted(1 + Math.floor(random.next() * 9), Math.floor(random.next() * 19)),
          at,
        ),
      );
      const served = serve(new Pool([CPU, MEMORY]), requests, new Map());
      const granted = summed(
        requests.filter(({ id }) => served.get(id)?.length === 0).flatMap(({ amounts }) => amounts),
      );
      for (const { resource, amount } of granted)
        expect(amount).toBeLessThanOrEqual(resource === "cpu" ? 9_000 : 18_000);
    }
  });
});
