import type { ReactNode } from "react";
import type { ResultOf } from "../../data/client.js";
import { useOperation } from "../../data/queries.js";
import { useProject } from "../../page/project.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "./list-view.js";

type Lock = ResultOf<"list_file_locks">["locks"][number];

const LIST_MAX = 200;
const TONES = { held: "active", offered: "ready", queued: "waiting" } as const;

/** The file locks with their holders, and those who wait behind each. */
export function LocksView(): ReactNode {
  const chosen = useProject().project;
  const projects = useOperation("list_projects", { status: "active", limit: LIST_MAX }).data?.projects ?? [];
  const shown = chosen === undefined ? projects : projects.filter(({ id }) => id === chosen);
  return (
    <ListView title="Locks and waiters">
      {shown.map(({ id, name }) => (
        <section key={id} aria-label={name}>
          <h2>
            <Shown text={name} />
          </h2>
          <ProjectLocks project={id} />
        </section>
      ))}
    </ListView>
  );
}

function ProjectLocks({ project }: { readonly project: string }): ReactNode {
  const query = useOperation("list_file_locks", { project, limit: LIST_MAX });
  return (
    <Loaded query={query}>
      {({ locks, next_cursor: more }) =>
        locks.length === 0 ? (
          <Nothing>No file is locked, and none is waited for.</Nothing>
        ) : (
          <>
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Path</th>
                  <th scope="col">State</th>
                  <th scope="col">Agent</th>
                  <th scope="col">Since</th>
                  <th scope="col">Task</th>
                </tr>
              </thead>
              <tbody>
                {locks.map((lock) => (
                  <LockRow key={lock.id + lock.path} lock={lock} />
                ))}
              </tbody>
            </table>
            {more !== undefined && <Nothing>The first {locks.length} are shown.</Nothing>}
          </>
        )
      }
    </Loaded>
  );
}

function LockRow({ lock: { path, state, mode, agent, since, task, run } }: { readonly lock: Lock }): ReactNode {
  return (
    <tr>
      <th scope="row">
        <code>
          <Shown text={path} />
        </code>
      </th>
      <td>
        <span className={`status tone-${TONES[state]}`}>
          {state}, {mode}
        </span>
      </td>
      <td>
        <Shown text={agent} />
      </td>
      <td>
        <Ago at={since} />
      </td>
      <td>{run !== undefined && task !== undefined && <a href={hrefOf(["run", run], { task })}>Open</a>}</td>
    </tr>
  );
}
