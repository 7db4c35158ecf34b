/** Returns the correlation (Pearson's) of pairs of numbers, each counting by its weight; undefined where one of both never varies. */
export function correlation(
  xs: readonly number[],
  ys: readonly number[],
  weights: readonly number[],
): number | undefined {
  const whole = sumOf(weights, () => 1);
  const [x, y] = [sumOf(weights, (at) => xs[at] ?? 0) / whole, sumOf(weights, (at) => ys[at] ?? 0) / whole];
  const dx = (at: number): number => (xs[at] ?? 0) - x;
  const dy = (at: number): number => (ys[at] ?? 0) - y;
  const spread = Math.sqrt(sumOf(weights, (at) => dx(at) ** 2) * sumOf(weights, (at) => dy(at) ** 2));
  return spread > Number.EPSILON * whole ? sumOf(weights, (at) => dx(at) * dy(at)) / spread : undefined;
}

function sumOf(weights: readonly number[], of: (at: number) => number): number {
  return weights.reduce((sum, weight, at) => sum + weight * of(at), 0);
}
