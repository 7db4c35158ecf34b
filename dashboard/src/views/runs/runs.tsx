import { type ReactNode, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Pages } from "../../parts/pages.js";
import { CountsBar } from "../../parts/progress-bar.js";
import { Shown } from "../../parts/shown.js";
import { RunState, type RunStatus, wordOf } from "../../parts/status.js";
import { Ago, duration, useNow } from "../../parts/time.js";

type Run = ResultOf<"list_runs">["runs"][number];

const PAGE_SIZE = 50;
const STATUSES: readonly RunStatus[] = ["running", "paused", "failed", "succeeded", "cancelled"];

/** The runs, newest first. */
export function RunsView(): ReactNode {
  const project = useProject();
  const [status, setStatus] = useState<RunStatus>();
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const query = useOperation("list_runs", {
    ...project,
    ...(status && { status }),
    ...(cursor !== undefined && { cursor }),
    limit: PAGE_SIZE,
  });
  const choose = (next: string) => {
    setCursors([]);
    setStatus(STATUSES.find((name) => name === next));
  };
  return (
    <section aria-labelledby="title">
      <div className="head">
        <h1 id="title">Runs</h1>
        <label className="choice">
          <span>Status</span>
          <select value={status ?? ""} onChange={(event) => choose(event.target.value)}>
            <option value="">all</option>
            {STATUSES.map((name) => (
              <option key={name} value={name}>
                {wordOf(name)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Loaded query={query}>
        {({ runs, next_cursor: next }) => (
          <>
            {runs.length === 0 ? (
              <Nothing>No runs here. An assistant starts one with execute_workflow, a person with baton run.</Nothing>
            ) : (
              <RunTable runs={runs} />
            )}
            <Pages cursors={cursors} next={next} onTurn={setCursors} />
          </>
        )}
      </Loaded>
    </section>
  );
}

function RunTable({ runs }: { readonly runs: readonly Run[] }): ReactNode {
  return (
    <table className="rows runs">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">Status</th>
          <th scope="col">Tasks</th>
          <th scope="col">Started</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row">
              <a href={hrefOf(["run", run.id])}>
                <Shown text={run.name} />
              </a>
              <small>
                by <Shown text={run.created_by} />
              </small>
            </th>
            <td>
              <RunState status={run.status} />
            </td>
            <td className="wide">
              <CountsBar counts={run.counts} />
              <small>
                {run.counts.succeeded} of {run.counts.total}
              </small>
            </td>
            <td>
              <Ago at={run.created_at} />
            </td>
            <td>
              <Took run={run} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The time from start to end; to now while it runs. */
export function Took({ run }: { readonly run: Pick<Run, "created_at" | "ended_at"> }): ReactNode {
  const now = useNow();
  const end = run.ended_at === undefined ? now : Date.parse(run.ended_at);
  return duration(Math.max(0, end - Date.parse(run.created_at)));
}
