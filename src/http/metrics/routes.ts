import { Hono } from "hono";
import { BatonError } from "../../base/errors.js";
import type { Engine } from "../../engine/engine.js";
import { MetricCollector } from "../../engine/metrics/collecting.js";
import type { Env } from "../env.js";
import { refusal } from "../problems.js";
import { exposition, EXPOSITION_TYPE } from "../../engine/metrics/exposition.js";

export interface MetricParts {
  reader(): Promise<Pick<Engine, "read">>;
}

/** The metrics, for Prometheus. Nothing is measured until they are asked for. */
export function metricRoutes(parts: MetricParts): Hono<Env> {
  const routes = new Hono<Env>();
  const collector = new MetricCollector();
  routes.get("/metrics", async (context) => {
    try {
      const { names = "own" } = context.req.query();
      if (names !== "own" && names !== "documents")
        throw new BatonError("invalid_input", `names is own or documents, not ${JSON.stringify(names)}.`);
      const families = await collector.collect(await parts.reader());
      return context.body(exposition(families, names === "documents"), 200, { "Content-Type": EXPOSITION_TYPE });
    } catch (error) {
      return refusal(context, error);
    }
  });
  return routes;
}
