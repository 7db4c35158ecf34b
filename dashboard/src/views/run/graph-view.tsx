import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { goTo, hrefOf } from "../../page/routes.js";
import { Shown } from "../../parts/shown.js";
import { wordOf } from "../../parts/status.js";
import { Camera } from "./camera.js";
import { layOut } from "./layout.js";
import type { RunGraph } from "./run-graph.js";
import { isDirection, placeBeside } from "./steps.js";

interface GraphViewProps {
  readonly run: string;
  readonly graph: RunGraph;
  readonly chosen: string | undefined;
}

/** The run as a graph, drawn by hand: of ten thousand tasks those in sight are painted, once a frame at most. */
export function GraphView({ run, graph, chosen }: GraphViewProps): ReactNode {
  const { tasks, edges, depth, width } = graph;
  const canvas = useRef<HTMLCanvasElement>(null);
  const camera = useRef<Camera>(undefined);
  const [at, setAt] = useState<string>();
  const current = at ?? chosen;
  // A change of a status leaves every place as it is.
  const keys = tasks.map(({ key }) => key).join("\n");
  const layout = useMemo(() => layOut(keys.split("\n"), edges), [keys, edges]);
  useEffect(() => {
    if (canvas.current === null) return undefined;
    const made = new Camera(canvas.current, (task) => goTo(hrefOf(["run", run], { view: "graph", task })));
    camera.current = made;
    return () => made.close();
  }, [run]);
  useEffect(() => camera.current?.show({ layout, tasks, chosen: current }), [layout, tasks, current, run]);
  const step = (event: KeyboardEvent) => {
    if (event.key === "Enter" && current !== undefined) {
      goTo(hrefOf(["run", run], { view: "graph", task: current }));
      return;
    }
    if (!event.shiftKey || !isDirection(event.key)) return;
    // The keys alone move the picture.
    event.preventDefault();
    event.stopPropagation();
    const place = tasks.findIndex(({ id }) => id === current);
    const next = place === -1 ? layout.columns[0]?.[0] : placeBeside(layout, place, event.key);
    if (next === undefined) return;
    setAt(tasks[next]?.id);
    camera.current?.reveal(next);
  };
  const said = tasks.find(({ id }) => id === at);
  return (
    <div className="graph">
      <canvas
        ref={canvas}
        onKeyDownCapture={step}
        onBlur={() => setAt(undefined)}
        tabIndex={0}
        role="img"
        aria-label={`Graph of ${tasks.length} tasks, ${depth} deep and ${width} wide. Shift with the arrow keys goes from task to task, Enter opens one. Arrow keys move it, + and - zoom, 0 shows all of it. The list has the same tasks.`}
      />
      <small className="keys" aria-hidden="true">
        <kbd>Shift</kbd> <kbd>→</kbd> from task to task, <kbd>Enter</kbd> opens
      </small>
      <p className="unseen" role="status">
        {said !== undefined && <Shown text={`${said.title}: ${wordOf(said.status)}`} />}
      </p>
    </div>
  );
}
