import { type ReactNode, useState } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown, shownLabel } from "../../parts/shown.js";
import { ListView } from "./list-view.js";

const GROUPS = ["run", "agent", "role", "model", "day", "task"] as const;
type Group = (typeof GROUPS)[number];

const dollars = (amount: number) => `$${amount.toFixed(2)}`;

/** Cost against budget, and where it went. */
export function CostsView(): ReactNode {
  const project = useProject();
  const [group, setGroup] = useState<Group>("run");
  const query = useOperation("get_costs", {
    ...project,
    group_by: group,
    ...(project.project === undefined && { all_projects: true }),
  });
  return (
    <ListView title="Cost">
      <Budgets />
      <label className="choice">
        <span>By</span>
        <select
          value={group}
          onChange={(event) => setGroup(GROUPS.find((name) => name === event.target.value) ?? "run")}
        >
          {GROUPS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <Loaded query={query}>
        {({ groups, total }) =>
          groups.length === 0 ? (
            <Nothing>No cost has been recorded.</Nothing>
          ) : (
            <CostTable groups={groups} total={total} group={group} />
          )
        }
      </Loaded>
    </ListView>
  );
}

type Costs = ResultOf<"get_costs">;

interface CostTableProps extends Pick<Costs, "groups" | "total"> {
  readonly group: Group;
}

function CostTable({ groups, total, group }: CostTableProps): ReactNode {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th scope="col">{group}</th>
          <th scope="col">Share</th>
          <th scope="col">Cost</th>
          <th scope="col">Tokens in</th>
          <th scope="col">Tokens out</th>
        </tr>
      </thead>
      <tbody>
        {groups.map((row) => {
          const name = nameOf(row, group);
          return (
            <tr key={name}>
              <th scope="row">
                <Shown text={name} />
              </th>
              <td className="wide">
                <meter
                  min={0}
                  max={Math.max(total.cost, 0.01)}
                  value={row.cost}
                  aria-label={shownLabel(`Share of ${name}`)}
                />
              </td>
              <td className="number">{dollars(row.cost)}</td>
              <td className="number">{row.input_tokens.toLocaleString()}</td>
              <td className="number">{row.output_tokens.toLocaleString()}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The name of a group: its own field, and of a run or task the name that stands beside its id. */
function nameOf(row: object, group: Group): string {
  const fields = row as Readonly<Record<string, unknown>>;
  const found = [fields["name"], fields["title"], fields[group]].find(
    (value) => typeof value === "string" && value !== "",
  );
  return typeof found === "string" ? found : "none";
}

function Budgets(): ReactNode {
  const { project } = useProject();
  const query = useOperation(
    "check_budget",
    project === undefined ? { scope: "global" } : { scope: "project", project },
  );
  const budgets = query.data?.budgets ?? [];
  return budgets.map(({ scope, spent, limit, state }) => (
    <p key={scope}>
      <meter min={0} max={limit} value={spent} aria-label={`Budget of the ${scope}`} />{" "}
      <span className={state === "ok" ? "" : "status tone-bad"}>
        {dollars(spent)} of {dollars(limit)}
      </span>{" "}
      <small>budget: {scope}</small>
    </p>
  ));
}
