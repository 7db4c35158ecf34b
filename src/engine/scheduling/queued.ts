/** The reason of a run that waits for others to end. */
export const QUEUED = "as many runs as may be are under way (max_concurrent_runs): it starts when one has ended";
