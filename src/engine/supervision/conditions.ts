import { BatonError } from "../../base/errors.js";

interface ConditionalDecision {
  readonly decision: string;
  readonly conditions?: readonly string[] | undefined;
}

/** Errors: `invalid_input` for conditions without the decision that takes them, and for that one without any. */
export function requireConditions({ decision, conditions = [] }: ConditionalDecision): void {
  if (decision === "approved_with_conditions" ? conditions.length > 0 : conditions.length === 0) return;
  const message =
    decision === "approved_with_conditions"
      ? "conditions: approved_with_conditions needs at least one; use approved without any. Nothing was decided."
      : `conditions: ${decision} takes none; use approved_with_conditions. Nothing was decided.`;
  throw new BatonError("invalid_input", message, { details: { path: "conditions" } });
}
