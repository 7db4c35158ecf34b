import type { ReactNode } from "react";
import { Shown } from "../../parts/shown.js";
import { TaskState } from "../../parts/status.js";
import type { GraphTask } from "./run-graph.js";

/** The tasks of a run on paper: all of them, which has neither a canvas nor a list that draws what is in sight. */
export function PrintedTasks({ tasks }: { readonly tasks: readonly GraphTask[] }): ReactNode {
  return (
    <table className="rows">
      <thead>
        <tr>
          <th scope="col">Task</th>
          <th scope="col">Status</th>
          <th scope="col">Key</th>
          <th scope="col">Agent</th>
        </tr>
      </thead>
      <tbody>
        {tasks.map(({ id, title, status, key, agent }) => (
          <tr key={id}>
            <th scope="row">
              <Shown text={title} />
            </th>
            <td>
              <TaskState status={status} />
            </td>
            <td>
              <Shown text={key} />
            </td>
            <td>{agent !== undefined && <Shown text={agent} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
