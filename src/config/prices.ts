import { z } from "zod";

const perMtok = () => z.number().min(0).max(1_000_000);

/** Own prices by model, in US dollars for a million tokens, over those of the published table. */
export const pricesSchema = z.lazy(() =>
  z.record(
    z.string().min(1).max(200),
    z.strictObject({ input: perMtok(), output: perMtok(), cached: perMtok().optional() }),
  ),
);
