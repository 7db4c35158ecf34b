import type { RunShape } from "../../store/runs/runs.js";
import type { Dag } from "./dag.js";

const CRITICAL_PATH_SHOWN_MAX = 100;

/** Returns the shape of the graph that is stored with a run. */
export function shapeOf(dag: Dag): RunShape {
  const path = dag.criticalPath();
  return {
    depth: dag.depth,
    width: dag.maxWidth,
    criticalPath: path.keys.slice(0, CRITICAL_PATH_SHOWN_MAX),
    criticalPathMs: path.totalMs,
  };
}
