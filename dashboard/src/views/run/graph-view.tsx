import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { goTo, hrefOf } from "../../page/routes.js";
import { Camera } from "./camera.js";
import { layOut } from "./layout.js";
import type { RunGraph } from "./run-graph.js";

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
  // A change of a status leaves every place as it is.
  const keys = tasks.map(({ key }) => key).join("\n");
  const layout = useMemo(() => layOut(keys.split("\n"), edges), [keys, edges]);
  useEffect(() => {
    if (canvas.current === null) return undefined;
    const made = new Camera(canvas.current, (task) => goTo(hrefOf(["run", run], { view: "graph", task })));
    camera.current = made;
    return () => made.close();
  }, [run]);
  useEffect(() => camera.current?.show({ layout, tasks, chosen }), [layout, tasks, chosen, run]);
  return (
    <div className="graph">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Graph of ${tasks.length} tasks, ${depth} deep and ${width} wide. Arrow keys move it, + and - zoom, 0 shows all of it. The list has the same tasks.`}
      />
    </div>
  );
}
