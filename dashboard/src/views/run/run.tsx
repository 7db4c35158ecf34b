import type { ComponentProps, ReactNode } from "react";
import type { ResultOf } from "../../data/client.js";
import { useAction, useOperation } from "../../data/queries.js";
import { hrefOf, type Route } from "../../page/routes.js";
import { Loaded, Refusal } from "../../parts/loaded.js";
import { usePrinting } from "../../parts/printing.js";
import { CountsBar } from "../../parts/progress-bar.js";
import { Shown } from "../../parts/shown.js";
import { RunState, type RunStatus } from "../../parts/status.js";
import { Took } from "../runs/runs.js";
import { GraphView } from "./graph-view.js";
import { PrintedTasks } from "./printed-tasks.js";
import { useRunGraph } from "./run-graph.js";
import { TaskDetail } from "./task-detail.js";
import { TaskList } from "./task-list.js";
import { TimelineView } from "./timeline-view.js";

const TABS = { graph: "Graph", timeline: "Timeline", list: "List" } as const;
type Tab = keyof typeof TABS;

/** One run: how it stands, its tasks as graph, timeline and list, and one of them beside. */
export function RunView({ route }: { readonly route: Route }): ReactNode {
  const [, run = ""] = route.words;
  const given = route.query.get("view") ?? "";
  const tab: Tab = given in TABS ? (given as Tab) : "graph";
  const task = route.query.get("task") ?? undefined;
  const query = useOperation("get_run", { run });
  const isPrinting = usePrinting();
  return (
    <section aria-labelledby="title">
      <p className="path">
        <a href={hrefOf(["runs"])}>Runs</a>
      </p>
      <RunTitle query={query}>{(answer) => <RunHead {...answer} />}</RunTitle>
      <RunTabs run={run} tabs={TABS} tab={tab} task={task} />
      <RunBody run={run} tab={tab} task={task}>
        {tab === "timeline" && !isPrinting ? (
          <TimelineView run={run} />
        ) : (
          <Tasks run={run} tab={isPrinting ? "paper" : tab} task={task} />
        )}
      </RunBody>
    </section>
  );
}

/** The head of a run by its answer; before that, and where it is refused, the heading that a page is found one's way in by. */
export function RunTitle({ query, children }: ComponentProps<typeof Loaded<ResultOf<"get_run">>>): ReactNode {
  return (
    <>
      {query.data === undefined && <h1 id="title">Run</h1>}
      <Loaded query={query}>{children}</Loaded>
    </>
  );
}

interface RunTabsProps extends TasksProps {
  /** Titles by the name of the tab. */
  readonly tabs: Readonly<Record<string, string>>;
}

export function RunTabs({ run, tabs, tab, task }: RunTabsProps): ReactNode {
  return (
    <nav className="tabs" aria-label="Ways to see the run">
      {Object.entries(tabs).map(([name, title]) => (
        <a
          key={name}
          href={hrefOf(["run", run], { view: name, task })}
          aria-current={name === tab ? "page" : undefined}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

/** One way to see the run, with the chosen task beside it. */
export function RunBody({ run, tab, task, children }: TasksProps & { readonly children: ReactNode }): ReactNode {
  return (
    <div className={task === undefined ? "" : "beside task-beside"}>
      <div className="run-body">{children}</div>
      {task !== undefined && <TaskDetail key={task} task={task} closeHref={hrefOf(["run", run], { view: tab })} />}
    </div>
  );
}

interface TasksProps {
  readonly run: string;
  readonly tab: string;
  readonly task: string | undefined;
}

/** The tasks of a run, as a graph or as a list. */
export function Tasks({ run, tab, task }: TasksProps): ReactNode {
  const query = useRunGraph(run);
  return (
    <Loaded query={query}>
      {({ graph }) => {
        if (typeof graph === "string") return undefined;
        if (tab === "paper") return <PrintedTasks tasks={graph.tasks} />;
        if (tab === "graph") return <GraphView run={run} graph={graph} chosen={task} />;
        return <TaskList run={run} tasks={graph.tasks} chosen={task} />;
      }}
    </Loaded>
  );
}

const ACTIONS: Readonly<
  Record<"pause" | "resume" | "cancel" | "retry_failed", { readonly title: string; readonly at: readonly RunStatus[] }>
> = {
  pause: { title: "Pause", at: ["running"] },
  resume: { title: "Resume", at: ["paused"] },
  retry_failed: { title: "Retry what failed", at: ["failed"] },
  cancel: { title: "Cancel", at: ["planning", "running", "paused"] },
};

function RunHead(answer: ResultOf<"get_run">): ReactNode {
  const { run } = answer;
  const control = useAction("control_run");
  const actions = Object.entries(ACTIONS) as [keyof typeof ACTIONS, (typeof ACTIONS)["pause"]][];
  return (
    <>
      <RunFacts {...answer}>
        <span className="buttons">
          {actions.map(([action, { title, at }]) =>
            at.includes(run.status) ? (
              <button
                key={action}
                type="button"
                disabled={control.isPending}
                onClick={() => control.mutate({ run: run.id, action })}
              >
                {title}
              </button>
            ) : undefined,
          )}
        </span>
      </RunFacts>
      {control.error !== null && <Refusal problem={control.error} />}
    </>
  );
}

/** How a run stands, in one line. */
export function RunFacts({
  run,
  budget,
  children,
}: ResultOf<"get_run"> & { readonly children?: ReactNode }): ReactNode {
  return (
    <div className="head">
      <h1 id="title">
        <Shown text={run.name} />
      </h1>
      <RunState status={run.status} />
      <CountsBar counts={run.counts} />
      <span>
        {run.counts.succeeded} of {run.counts.total}, <Took run={run} />
      </span>
      {budget !== undefined && (
        <span className={budget.state === "ok" ? "" : "tone-bad status"}>
          ${budget.spent.toFixed(2)} of ${budget.limit.toFixed(2)}
        </span>
      )}
      {children}
    </div>
  );
}
