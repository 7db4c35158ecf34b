const DAY_MS = 86_400_000;

/** How fast evidence fades, per millisecond: `learning_rate` is the share of its weight that it loses in a day. */
export function fadingPerMs(learningRate: number): number {
  return -Math.log1p(-learningRate) / DAY_MS;
}

/** The time after which evidence weighs half; null where it does not fade. */
export function halfLifeMs(learningRate: number): number | null {
  return learningRate === 0 ? null : Math.round(Math.LN2 / fadingPerMs(learningRate));
}
