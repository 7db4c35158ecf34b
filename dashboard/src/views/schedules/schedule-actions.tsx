import type { ReactNode } from "react";
import { useAction } from "../../data/queries.js";
import { focusMain } from "../../page/focus.js";
import { hrefOf } from "../../page/routes.js";
import { Confirmed } from "../../parts/confirm.js";
import { Refusal } from "../../parts/loaded.js";
import { Shown } from "../../parts/shown.js";
import type { Schedule } from "./schedules.js";

/** The actions on a schedule, and their outcome. */
export function ScheduleActions({ schedule }: { readonly schedule: Schedule }): ReactNode {
  const { id, project, name, paused } = schedule;
  const runNow = useAction("run_schedule");
  const pause = useAction("pause_schedule");
  const remove = useAction("delete_schedule");
  const actions = [runNow, pause, remove];
  const isPending = actions.some((action) => action.isPending);
  const error = actions.map((action) => action.error).find((found) => found !== null);
  const about = { schedule: id, project };
  const act = (run: () => void) => {
    for (const action of actions) action.reset();
    run();
  };
  return (
    <>
      <span className="buttons" role="group" aria-label={`Actions on ${name}`}>
        <button type="button" disabled={isPending} onClick={() => act(() => runNow.mutate(about))}>
          Run now
        </button>
        <button
          type="button"
          disabled={isPending}
          onClick={() => act(() => pause.mutate({ ...about, paused: !paused }))}
        >
          {paused ? "Resume" : "Pause"}
        </button>
        <Confirmed
          word="Delete"
          question={
            <>
              Delete the schedule “<Shown text={name} />
              ”?
            </>
          }
          isDisabled={isPending}
          // The row is gone then, and this button with it; a refusal is shown below.
          onConfirm={() => act(() => void remove.mutateAsync(about).then(focusMain, () => undefined))}
        >
          It starts no more. Its workflow and the runs that it has started stay.
        </Confirmed>
      </span>
      <span role="status">
        {runNow.data !== undefined && (
          <a className="below" href={hrefOf(["run", runNow.data.run.id])}>
            Open the run that has started
          </a>
        )}
      </span>
      {error !== undefined && <Refusal problem={error} />}
    </>
  );
}
