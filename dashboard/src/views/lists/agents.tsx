import type { ReactNode } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "./list-view.js";

type Workload = ResultOf<"get_workload">["agents"][number];
type Agent = ResultOf<"list_agents">["agents"][number];

const LIST_MAX = 200;

/** The agents with what each has in hand, and how far that fills what it takes at once. */
export function AgentsView(): ReactNode {
  const agents = useOperation("list_agents", { limit: LIST_MAX });
  const workload = useOperation("get_workload", {});
  const loads = new Map((workload.data?.agents ?? []).map((load) => [load.agent, load]));
  return (
    <ListView title="Agents and load">
      <Loaded query={agents}>
        {({ agents: all, next_cursor: more }) =>
          all.length === 0 ? (
            <Nothing>No agents yet. An assistant that connects is one.</Nothing>
          ) : (
            <>
              <table className="rows">
                <thead>
                  <tr>
                    <th scope="col">Agent</th>
                    <th scope="col">Load</th>
                    <th scope="col">Roles and capabilities</th>
                    <th scope="col">Last heard</th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((agent) => (
                    <AgentRow key={agent.id} agent={agent} load={loads.get(agent.name)} />
                  ))}
                </tbody>
              </table>
              {more !== undefined && <Nothing>The first {all.length} are shown.</Nothing>}
            </>
          )
        }
      </Loaded>
    </ListView>
  );
}

function AgentRow({ agent, load }: { readonly agent: Agent; readonly load: Workload | undefined }): ReactNode {
  const {
    name,
    running,
    max_concurrent_tasks: capacity,
    roles,
    capabilities,
    seen_at: seen,
    silent_since: silent,
  } = agent;
  return (
    <tr>
      <th scope="row">
        <Shown text={name} />
      </th>
      <td>
        <meter min={0} max={Math.max(1, capacity)} value={running} aria-label={`Load of ${name}`} />{" "}
        <small>
          {running} of {capacity}
          {load !== undefined && load.reserved > 0 && `, ${load.reserved} reserved`}
        </small>
      </td>
      <td className="prose">
        <Shown text={[...roles, ...capabilities].join(", ")} />
      </td>
      <td>
        {silent === undefined ? (
          <Ago at={seen} />
        ) : (
          <span className="status tone-bad">
            silent since <Ago at={silent} />
          </span>
        )}
      </td>
    </tr>
  );
}
