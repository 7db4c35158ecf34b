// Costs are stored as whole millionths of a US dollar, and shown and given in dollars.

const MICROS_PER_DOLLAR = 1_000_000;

export function microsOf(dollars: number): number {
  return Math.round(dollars * MICROS_PER_DOLLAR);
}

export function dollarsOf(micros: number): number {
  return micros / MICROS_PER_DOLLAR;
}

/** Dollars as they are shown: in whole millionths. */
export function roundedDollars(dollars: number): number {
  return dollarsOf(microsOf(dollars));
}
