import type { ReactNode } from "react";
import type { ResultOf } from "../data/client.js";
import { TASK_TONES, type TaskStatus, type Tone, wordOf } from "./status.js";

type Counts = ResultOf<"get_run">["run"]["counts"];

const ORDER: readonly TaskStatus[] = [
  "succeeded",
  "running",
  "in_review",
  "waiting",
  "ready",
  "blocked",
  "dead_letter",
  "skipped",
  "cancelled",
  "pending",
];

/** The tasks of a run by status, as shares of one bar. Its words say the same. */
export function CountsBar({ counts }: { readonly counts: Counts }): ReactNode {
  const shares = new Map<Tone, number>();
  for (const status of ORDER) {
    const tone = TASK_TONES[status];
    shares.set(tone, (shares.get(tone) ?? 0) + counts[status]);
  }
  return (
    <span className="counts-bar" role="img" aria-label={countsText(counts)} title={countsText(counts)}>
      {[...shares].map(([tone, count]) =>
        count === 0 ? undefined : <span key={tone} className={`share tone-${tone}`} style={{ flexGrow: count }} />,
      )}
    </span>
  );
}

function countsText(counts: Counts): string {
  const parts = ORDER.filter((status) => counts[status] > 0).map((status) => `${counts[status]} ${wordOf(status)}`);
  return parts.length === 0 ? "no tasks" : parts.join(", ");
}
