import type { ReactNode } from "react";
import { useOperations } from "../../data/queries.js";
import type { ResultOf } from "../../data/client.js";
import { useShownProjects } from "../../page/shown-projects.js";
import { hrefOf } from "../../page/routes.js";
import { Loaded, Nothing } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import { Ago, When } from "../../parts/time.js";
import { ListView } from "../lists/list-view.js";
import { ScheduleActions } from "./schedule-actions.js";

export type Schedule = ResultOf<"list_schedules">["schedules"][number];

const LIST_MAX = 200;

/** Workflows that start again and again: when they will, what came of the last start, and how to steer them. */
export function SchedulesView(): ReactNode {
  const projects = useShownProjects();
  const query = useOperations(
    "list_schedules",
    projects.data?.map(({ id }) => ({ project: id, limit: LIST_MAX })),
  );
  return (
    <ListView title="Schedules">
      <Loaded query={projects.data === undefined ? { data: undefined, error: projects.error } : query}>
        {(answers) => {
          const schedules = answers.flatMap((answer) => answer.schedules);
          if (schedules.length === 0)
            return (
              <Nothing>
                Nothing is scheduled. <code>baton schedule add</code> or schedule_workflow starts a workflow again and
                again.
              </Nothing>
            );
          const names = new Map((projects.data ?? []).map(({ id, name }) => [id, name]));
          return (
            <>
              <ScheduleTable schedules={schedules} names={names.size > 1 ? names : undefined} />
              {answers.some(({ next_cursor: more }) => more !== undefined) && (
                <Nothing>The first {LIST_MAX} of a project are shown.</Nothing>
              )}
            </>
          );
        }}
      </Loaded>
    </ListView>
  );
}

interface ScheduleTableProps {
  readonly schedules: readonly Schedule[];
  /** Names of projects by id, where there is more than one. */
  readonly names: ReadonlyMap<string, string> | undefined;
}

function ScheduleTable({ schedules, names }: ScheduleTableProps): ReactNode {
  return (
    <table className="rows schedules">
      <thead>
        <tr>
          <th scope="col">Schedule</th>
          <th scope="col">Next start</th>
          <th scope="col">Last start</th>
          <th scope="col">Actions</th>
        </tr>
      </thead>
      <tbody>
        {schedules.map((schedule) => (
          <tr key={schedule.id}>
            <th scope="row">
              <Shown text={schedule.name} />
              <small className="below">
                <code>
                  <Shown text={schedule.cron} />
                </code>{" "}
                <Shown text={schedule.timezone} />
                {schedule.workflow !== schedule.name && (
                  <>
                    , workflow <Shown text={schedule.workflow} />
                  </>
                )}
                {names !== undefined && (
                  <>
                    , project <Shown text={names.get(schedule.project) ?? schedule.project} />
                  </>
                )}
              </small>
            </th>
            <td>
              <NextStart schedule={schedule} />
            </td>
            <td className="prose">
              <LastStart schedule={schedule} />
            </td>
            <td>
              <ScheduleActions schedule={schedule} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NextStart({ schedule: { paused, upcoming } }: { readonly schedule: Schedule }): ReactNode {
  const [next, ...later] = upcoming;
  if (paused) return <span className="status tone-waiting">paused</span>;
  if (next === undefined) return "never";
  return (
    <>
      <Ago at={next} />
      <small className="below">
        {[next, ...later].map((at, place) => (
          <span key={at}>
            {place > 0 && " · "}
            <When at={at} />
          </span>
        ))}
      </small>
    </>
  );
}

function LastStart({ schedule }: { readonly schedule: Schedule }): ReactNode {
  const { last_at: at, last_run: run, last_error: error, failures } = schedule;
  return (
    <>
      {at === null && error === null && <small>Has not started yet.</small>}
      {at !== null && (
        <>
          <Ago at={at} />
          {run !== null && (
            <>
              {" "}
              <a href={hrefOf(["run", run])}>Open its run</a>
            </>
          )}
        </>
      )}
      {error !== null && (
        <span className="below tone-bad failure">
          {failures > 1 && `${failures} starts in a row failed: `}
          <Shown text={error} />
        </span>
      )}
    </>
  );
}
