import { Hono } from "hono";
import { BatonError } from "../../base/errors.js";
import { METRIC_NAMES, type MetricNames } from "../../base/statuses.js";
import type { Engine } from "../../engine/engine.js";
import { MetricCollector } from "../../engine/metrics/collecting.js";
import type { Env } from "../env.js";
import type { Traffic } from "./traffic.js";
import { refusal } from "../problems.js";
import { exposition, EXPOSITION_TYPE } from "../../engine/metrics/exposition.js";

export interface MetricParts {
  reader(): Promise<Pick<Engine, "read">>;
  readonly traffic: Traffic;
  /** Whether the names of the founding documents are exported too, where a request does not say. */
  metricNames(): MetricNames;
}

/** The metrics, for Prometheus. Nothing is measured until they are asked for. */
export function metricRoutes(parts: MetricParts): Hono<Env> {
  const routes = new Hono<Env>();
  const collector = new MetricCollector();
  routes.get("/metrics", async (context) => {
    try {
      const { names: asked = parts.metricNames() } = context.req.query();
      const names = METRIC_NAMES.find((name) => name === asked);
      if (names === undefined)
        throw new BatonError("invalid_input", `names is own or documents, not ${JSON.stringify(asked)}.`);
      const families = await collector.collect(await parts.reader());
      return context.body(exposition([...families, parts.traffic.family], names === "documents"), 200, {
        "Content-Type": EXPOSITION_TYPE,
      });
    } catch (error) {
      return refusal(context, error);
    }
  });
  return routes;
}
