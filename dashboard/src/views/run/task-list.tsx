import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { Loaded } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { TaskState } from "../../parts/status.js";

type Task = Exclude<ResultOf<"get_run_graph">["graph"], string>["tasks"][number];

const ROW_PX = 37;
const OVERSCAN = 12;

/** The tasks of a run; only the rows in sight are drawn. */
export function TaskList({ run }: { readonly run: string }): ReactNode {
  const query = useOperation("get_run_graph", { run, format: "json" });
  return (
    <Loaded query={query}>
      {({ graph }) => (typeof graph === "string" ? undefined : <Rows tasks={graph.tasks} />)}
    </Loaded>
  );
}

function Rows({ tasks }: { readonly tasks: readonly Task[] }): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
  });
  return (
    <ul ref={list} className="task-list" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, start }) => {
        const task = tasks[index];
        if (task === undefined) return undefined;
        return (
          <li key={task.id} style={{ transform: `translateY(${start - top}px)` }}>
            <TaskState status={task.status} />
            <span className="key">
              <Shown text={task.key} />
            </span>
            <span className="title">
              <Shown text={task.title} />
            </span>
            <span className="agent">{task.agent !== undefined && <Shown text={task.agent} />}</span>
          </li>
        );
      })}
    </ul>
  );
}
