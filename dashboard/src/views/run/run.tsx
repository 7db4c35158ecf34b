import type { ReactNode } from "react";
import { useOperation } from "../../data/queries.js";
import { hrefOf, type Route } from "../../page/routes.js";
import { Loaded } from "../../parts/loaded.js";
import { CountsBar } from "../../parts/progress-bar.js";
import { Shown } from "../../parts/shown.js";
import { RunState } from "../../parts/status.js";
import { Took } from "../runs/runs.js";
import { TaskList } from "./task-list.js";

/** One run: how it stands, and its tasks. */
export function RunView({ route }: { readonly route: Route }): ReactNode {
  const [, run = ""] = route.words;
  const query = useOperation("get_run", { run });
  return (
    <section aria-labelledby="title">
      <p className="path">
        <a href={hrefOf(["runs"])}>Runs</a>
      </p>
      <Loaded query={query}>
        {({ run: shown }) => (
          <div className="head">
            <h1 id="title">
              <Shown text={shown.name} />
            </h1>
            <RunState status={shown.status} />
            <CountsBar counts={shown.counts} />
            <span>
              {shown.counts.succeeded} of {shown.counts.total}, <Took run={shown} />
            </span>
          </div>
        )}
      </Loaded>
      <TaskList run={run} />
    </section>
  );
}
