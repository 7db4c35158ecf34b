import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown, shownLabel } from "../../parts/shown.js";
import { TASK_TONES, type TaskStatus, type Tone } from "../../parts/status.js";
import { duration, useNow } from "../../parts/time.js";
import { type Span, spansOf, type TaskSpans, type Timeline as TimelineData, useTimeline } from "./timeline.js";

const ROW_PX = 30;
const OVERSCAN = 10;

/** When each task stood in the queue and when it was worked on, a row a task; each retry is a bar of its own. */
export function TimelineView({ run }: { readonly run: string }): ReactNode {
  return <Loaded query={useTimeline(run)}>{(timeline) => <Timeline run={run} timeline={timeline} />}</Loaded>;
}

interface TimelineProps {
  readonly run: string;
  readonly timeline: TimelineData;
}

function Timeline({ run, timeline }: TimelineProps): ReactNode {
  const rows = useMemo(() => spansOf(timeline.events), [timeline]);
  if (rows.length === 0) return <Nothing>No task has been ready yet.</Nothing>;
  return (
    <>
      <p className="legend">
        <span className="bar-sample is-queued" /> in the queue <span className="bar-sample tone-active" /> at work
        {timeline.isCut && " · the first part of a long history"}
      </p>
      <Rows run={run} rows={rows} />
    </>
  );
}

function Rows({ run, rows }: { readonly run: string; readonly rows: readonly TaskSpans[] }): ReactNode {
  const now = useNow();
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const start = Math.min(...rows.map(({ spans: [first] }) => first?.from ?? now));
  const lasts = rows.some(({ spans }) => spans.at(-1)?.to === undefined);
  const end = lasts ? now : rows.reduce((latest, { spans }) => Math.max(latest, spans.at(-1)?.to ?? 0), start + 1);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
    useFlushSync: false,
  });
  return (
    <ul ref={list} className="timeline" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ index, start: offset }) => {
        const row = rows[index];
        if (row === undefined) return undefined;
        return (
          <li key={row.task} style={{ transform: `translateY(${offset - top}px)` }}>
            <a href={hrefOf(["run", run], { view: "timeline", task: row.task })}>
              <Shown text={row.key} />
            </a>
            <span className="track">
              {row.spans.map((span) => (
                <Bar key={span.from + span.kind} span={span} frame={{ start, end, now }} />
              ))}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

interface Frame {
  readonly start: number;
  readonly end: number;
  readonly now: number;
}

function Bar({ span, frame: { start, end, now } }: { readonly span: Span; readonly frame: Frame }): ReactNode {
  const to = span.to ?? now;
  const share = (time: number) => `${((time - start) / Math.max(1, end - start)) * 100}%`;
  const words = shownLabel(
    `${span.kind === "queued" ? "in the queue" : (span.outcome ?? "at work").replaceAll("_", " ")} ${duration(to - span.from)}${span.agent === undefined ? "" : `, ${span.agent}`}`,
  );
  return (
    <span
      className={span.kind === "queued" ? "is-queued" : `tone-${toneOf(span.outcome)}`}
      role="img"
      aria-label={words}
      title={words}
      style={{ left: share(span.from), width: `max(2px, calc(${share(to)} - ${share(span.from)}))` }}
    />
  );
}

function toneOf(outcome: string | undefined): Tone {
  if (outcome === undefined) return "active";
  if (outcome === "submitted" || outcome === "decided") return "good";
  return TASK_TONES[outcome as TaskStatus] ?? (/fail|lost|retry|expired/.test(outcome) ? "bad" : "off");
}
