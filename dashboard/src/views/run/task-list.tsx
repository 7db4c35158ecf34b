import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { hrefOf } from "../../page/routes.js";
import { Shown } from "../../parts/shown.js";
import { TaskState } from "../../parts/status.js";
import type { GraphTask } from "./run-graph.js";

const ROW_PX = 37;
const OVERSCAN = 12;

interface TaskListProps {
  readonly run: string;
  readonly tasks: readonly GraphTask[];
  readonly chosen: string | undefined;
}

/** The tasks of a run; only the rows in sight are drawn. */
export function TaskList({ run, tasks, chosen }: TaskListProps): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(list.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: tasks.length,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    scrollMargin: top,
    useFlushSync: false,
  });
  return (
    <ul ref={list} className="task-list" aria-label="Tasks" style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map(({ index, start }) => {
        const task = tasks[index];
        if (task === undefined) return undefined;
        return <Row key={task.id} run={run} task={task} offset={start - top} isChosen={task.id === chosen} />;
      })}
    </ul>
  );
}

interface RowProps {
  readonly run: string;
  readonly task: GraphTask;
  readonly offset: number;
  readonly isChosen: boolean;
}

/** A row as it is until it changes: those that stay in sight while one scrolls are not made again. */
const Row = memo(({ run, task, offset, isChosen }: RowProps): ReactNode => (
  <li className={isChosen ? "is-chosen" : ""} style={{ transform: `translateY(${offset}px)` }}>
    <TaskState status={task.status} />
    <span className="key">
      <Shown text={task.key} />
    </span>
    <a className="title" href={hrefOf(["run", run], { view: "list", task: task.id })}>
      <Shown text={task.title} />
    </a>
    <span className="agent">{task.agent !== undefined && <Shown text={task.agent} />}</span>
  </li>
));
