import { prepared, type Engine } from "../../engine/engine.js";
import type { ExportedUsage } from "../../engine/cost/export-ledger.js";
import type { BookedUsage } from "../../http/otlp/routes.js";

/** Books usage that a client has exported, in a transaction for each attempt that it is of: a batch that is sent again books nothing twice. */
export async function bookUsage(
  engine: Engine,
  usages: readonly ExportedUsage[],
  agents: readonly string[] | null,
): Promise<BookedUsage> {
  const [{ assignExports, bookExports }, { loadPrices }] = await Promise.all([
    import("../../engine/cost/exports.js"),
    import("../../engine/usage/usage.js"),
  ]);
  const { batches, rejected, why } = await engine.read(() => assignExports(usages, agents));
  for (const batch of batches) {
    await prepared(engine, (ctx) => loadPrices(ctx, { model: batch.model, input_tokens: 0 }));
    await engine.transact((ctx) => bookExports(ctx, batch), { idempotent: true });
  }
  return { rejected, why };
}
