import { BatonError } from "../base/errors.js";
import { hint } from "../base/names.js";

/** An address of the founding documents, and the operation that it is. */
export interface DocumentedAddress {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly operation: string;
  /** Parameters that the address implies: they apply where a call leaves them out. */
  readonly implied?: Readonly<Record<string, unknown>>;
}

export const DOCUMENTED_ROOT = "/orchestration";

export const DOCUMENTED: readonly DocumentedAddress[] = [
  { method: "POST", path: "workflow/execute", operation: "execute_workflow" },
  { method: "POST", path: "task/assign", operation: "route_task", implied: { dry_run: false } },
  { method: "POST", path: "failure/handle", operation: "report_failure" },
  { method: "POST", path: "load-balancing/optimize", operation: "optimize_load" },
  { method: "GET", path: "metrics", operation: "get_metrics" },
  { method: "GET", path: "performance/validate", operation: "validate_performance" },
  { method: "GET", path: "circuit-breakers", operation: "list_circuit_breakers" },
  { method: "GET", path: "recovery/predict", operation: "predict_failures" },
  { method: "GET", path: "health", operation: "get_health_status" },
];

/** The refusal of an address under that root at which nothing is, or of another method. */
export function noSuchAddress(method: string, asked: string): BatonError {
  const path = asked.slice(asked.indexOf(DOCUMENTED_ROOT) + DOCUMENTED_ROOT.length + 1);
  const known = DOCUMENTED.find((one) => one.path === path);
  const near = hint(
    path,
    DOCUMENTED.map((one) => one.path),
  );
  const message =
    known === undefined
      ? `There is no orchestration/${path}${near}. Every operation is at /api/v1/operations/NAME.`
      : `orchestration/${path} is asked for by ${known.method}, not by ${method}.`;
  const addresses = DOCUMENTED.map((one) => `${one.method} ${one.path}`);
  return new BatonError("not_found", message, { details: { addresses } });
}
