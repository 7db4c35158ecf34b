import type { ReactNode } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { TaskState } from "../../parts/status.js";
import { Ago } from "../../parts/time.js";

type Agent = ResultOf<"list_agents">["agents"][number];

/** An agent that holds tasks and has not been heard of. */
export function SilentDetail({ agent }: { readonly agent: Agent }): ReactNode {
  const query = useOperation("list_tasks", { agent: agent.name, status: "running" });
  return (
    <>
      <h2>
        <Shown text={agent.name} /> has gone silent
      </h2>
      <p className="facts">
        {agent.silent_since !== undefined && (
          <span>
            silent since <Ago at={agent.silent_since} />
          </span>
        )}
        <span>
          last heard <Ago at={agent.seen_at} />
        </span>
      </p>
      <p>Its work goes back to the queue by itself when its lease ends. It holds:</p>
      <Loaded query={query}>
        {({ tasks }) => (
          <ul className="plain">
            {tasks.map(({ id, run, title, status }) => (
              <li key={id}>
                <TaskState status={status} />{" "}
                <a href={hrefOf(["run", run], { task: id })}>
                  <Shown text={title} />
                </a>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </>
  );
}
