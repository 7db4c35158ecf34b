/** A tenth of the default, for servers of tests: they wait for real ticks, and a tenth of them is a tenth of the waits. */
export const QUICK_TICK = { BATON_TICK_MS: "100" } as const;
