import type { Engine } from "../../../src/engine/engine.js";
import { collectDeliveries, registerTarget } from "../../../src/engine/notifications/collecting.js";
import {
  type AttemptResult,
  giveBackDelivery,
  settleDelivery,
  takeDelivery,
} from "../../../src/engine/notifications/sending.js";
import { TARGET } from "../checker/together/deliveries.js";
import type { SimulatedProcess } from "./process.js";
import type { World } from "./world.js";

const IDEMPOTENT = { idempotent: true } as const;

/** A process with the target makes its deliveries and an attempt at one, whose receiver takes it or not. */
export async function notify(world: World): Promise<void> {
  const { draw } = world;
  const outcome = draw.weighted({ taken: 60, failed: 25, stopped: 15 });
  const delivery = await world.anyProcess().work(async (engine) => {
    await collect(engine);
    const taken = await engine.transact((ctx) => takeDelivery(ctx, TARGET.id));
    if (taken === undefined) return undefined;
    if (outcome === "stopped") {
      await engine.transact((ctx) => giveBackDelivery(ctx, taken), IDEMPOTENT);
      return undefined;
    }
    const result: AttemptResult = outcome === "taken" ? { ok: true } : { ok: false, error: "answered 500" };
    const settled = await engine.transact((ctx) => settleDelivery(ctx, taken, result), IDEMPOTENT);
    return result.ok && settled ? taken.id : undefined;
  });
  if (delivery !== undefined) world.journal.push({ kind: "delivered", delivery });
}

/** Makes deliveries of all that has happened, and notes that it was all. */
export async function collectAll(world: World, process: SimulatedProcess): Promise<void> {
  await process.work(async (engine) => {
    await collect(engine);
    return true;
  });
  world.journal.push({ kind: "collected" });
}

async function collect(engine: Engine): Promise<void> {
  await engine.transact((ctx) => registerTarget(ctx, TARGET), IDEMPOTENT);
  for (let more = true; more;) {
    const collected = await engine.transact((ctx) => collectDeliveries(ctx, TARGET), IDEMPOTENT);
    more = collected?.more ?? false;
  }
}
