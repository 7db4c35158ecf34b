import { BatonError } from "../../base/errors.js";
import type { ResourceAmount, Requirements } from "../../store/resources/resources.js";

/** Amounts are integers, so that no sum of them is rounded. */
const THOUSANDTHS = 1_000;

export function thousandths(amount: number): number {
  return Math.round(amount * THOUSANDTHS);
}

export function fromThousandths(amount: number): number {
  return amount / THOUSANDTHS;
}

/** Requirements as amounts, by resource and unit. Errors: `invalid_input` for none. */
export function amountsOf(requirements: Requirements): ResourceAmount[] {
  const amounts = Object.entries(requirements)
    .flatMap(([resource, units]) =>
      Object.entries(units).map(([unit, amount]) => ({ resource, unit, amount: thousandths(amount) })),
    )
    .toSorted(byUnit);
  if (amounts.length > 0) return amounts;
  const message = "The requirements name no amount: write {resource: {unit: amount}}.";
  throw new BatonError("invalid_input", message, { details: { requirements } });
}

function byUnit(a: ResourceAmount, b: ResourceAmount): number {
  if (a.resource !== b.resource) return a.resource < b.resource ? -1 : 1;
  return a.unit < b.unit ? -1 : 1;
}

/** Amounts as they are written. */
export function requirementsOf(amounts: readonly ResourceAmount[]): Record<string, Record<string, number>> {
  const requirements: Record<string, Record<string, number>> = {};
  for (const { resource, unit, amount } of amounts)
    requirements[resource] = { ...requirements[resource], [unit]: fromThousandths(amount) };
  return requirements;
}
