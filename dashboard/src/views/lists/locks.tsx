import type { ReactNode } from "react";
import type { ResultOf } from "../../data/client.js";
import { readOnOf, useLongList } from "../../data/queries.js";
import { hrefOf } from "../../page/routes.js";
import { useShownProjects } from "../../page/shown-projects.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { LongTable } from "../../parts/long-table.js";
import { Shown } from "../../parts/shown.js";
import { Ago } from "../../parts/time.js";
import { ListView } from "./list-view.js";

type Lock = ResultOf<"list_file_locks">["locks"][number];

const TONES = { held: "active", offered: "ready", queued: "waiting" } as const;

/** The file locks with their holders, and those who wait behind each. */
export function LocksView(): ReactNode {
  return (
    <ListView title="Locks and waiters">
      <Loaded query={useShownProjects()}>
        {(projects) =>
          projects.map(({ id, name }) => (
            <section key={id} aria-label={name}>
              <h2>
                <Shown text={name} />
              </h2>
              <ProjectLocks project={id} />
            </section>
          ))
        }
      </Loaded>
    </ListView>
  );
}

function ProjectLocks({ project }: { readonly project: string }): ReactNode {
  const query = useLongList("list_file_locks", { project });
  return (
    <Loaded query={query}>
      {(pages) => {
        const locks = pages.flatMap((page) => page.locks);
        if (locks.length === 0) return <Nothing>No file is locked, and none is waited for.</Nothing>;
        return (
          <LongTable
            columns={["Path", "State", "Agent", "Since", "Task"]}
            rows={locks}
            keyOf={({ id, path }) => id + path}
            readOn={readOnOf(query)}
          >
            {(lock) => <LockCells lock={lock} />}
          </LongTable>
        );
      }}
    </Loaded>
  );
}

function LockCells({ lock: { path, state, mode, agent, since, task, run } }: { readonly lock: Lock }): ReactNode {
  return (
    <>
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
    </>
  );
}
