import { type ReactNode, useMemo } from "react";
import type { ResultOf } from "../../data/client.js";
import { readOnOf, useLongList, useOperation } from "../../data/queries.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { LongTable } from "../../parts/long-table.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "./list-view.js";

type Workload = ResultOf<"get_workload">["agents"][number];
type Agent = ResultOf<"list_agents">["agents"][number];

/** The agents with what each has in hand, and how far that fills what it takes at once. */
export function AgentsView(): ReactNode {
  const agents = useLongList("list_agents", {});
  const workload = useOperation("get_workload", {});
  const loads = useMemo(
    () => new Map((workload.data?.agents ?? []).map((load) => [load.agent, load])),
    [workload.data],
  );
  return (
    <ListView title="Agents and load">
      <Loaded query={agents}>
        {(pages) => {
          const all = pages.flatMap((page) => page.agents);
          if (all.length === 0) return <Nothing>No agents yet. An assistant that connects is one.</Nothing>;
          return (
            <LongTable
              columns={["Agent", "Load", "Roles and capabilities", "Last heard"]}
              rows={all}
              keyOf={({ id }) => id}
              readOn={readOnOf(agents)}
            >
              {(agent) => <AgentCells agent={agent} load={loads.get(agent.name)} />}
            </LongTable>
          );
        }}
      </Loaded>
    </ListView>
  );
}

function AgentCells({ agent, load }: { readonly agent: Agent; readonly load: Workload | undefined }): ReactNode {
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
    <>
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
    </>
  );
}
