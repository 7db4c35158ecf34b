import { isoOrNull } from "../../base/time.js";
import type { Breaker } from "../../store/breakers/breakers.js";

export function breakerView({ target, state, failures, opens, openedAt, retryAt, trial }: Breaker) {
  const retry = isoOrNull(retryAt);
  return {
    target,
    state,
    failures,
    opens,
    opened_at: isoOrNull(openedAt),
    ...(retry === null ? {} : { retry_at: retry }),
    ...(trial === null ? {} : { trial }),
  };
}
