import type { ConsumedSums } from "../../store/learning/evidence.js";

// Memory and processor time of commands by the type of their task: logarithms are normal, the cores in use are so themselves.

/** The middle, and what nineteen of twenty do not exceed. */
export interface Consumed {
  /** Weight of the commands that were measured. */
  readonly evidence: number;
  readonly median: number;
  readonly p95: number;
}

/** Nineteen of twenty lie below so many standard deviations above the mean. */
const NINETEEN_IN_TWENTY = 1.6449;

/** Returns what the commands of a type have taken: memory in bytes, processor time in ms, and cores in the mean of each. */
export function consumedBy({ memories, memoryLogSum, memoryLogSquares, cpus, ...sums }: ConsumedSums) {
  return {
    memory: ofLogs(upTo(memories, memoryLogSum, memoryLogSquares)),
    cpu: ofLogs(upTo(cpus, sums.cpuLogSum, sums.cpuLogSquares)),
    cores: upTo(cpus, sums.coresSum, sums.coresSquares),
  };
}

function upTo(evidence: number, sum: number, squares: number): Consumed | undefined {
  if (evidence <= 0) return undefined;
  const median = sum / evidence;
  const deviation = Math.sqrt(Math.max(0, squares / evidence - median ** 2));
  return { evidence, median, p95: median + NINETEEN_IN_TWENTY * deviation };
}

function ofLogs(logs: Consumed | undefined): Consumed | undefined {
  return logs && { evidence: logs.evidence, median: Math.exp(logs.median), p95: Math.exp(logs.p95) };
}
