import { iso } from "../../base/time.js";
import type { StoredEvent } from "../../store/events/history.js";

const INSTANT = /(?:^|_)(?:at|until)$/;

/** An event as it is shown, its instants as in every answer. The token of a task's attempt is left out: only its holder is told it. */
export function eventView(event: StoredEvent) {
  const { token: _, ...stored } = event.data;
  const data = Object.fromEntries(
    Object.entries(stored).map(([name, value]) => [
      name,
      INSTANT.test(name) && typeof value === "number" ? iso(value) : value,
    ]),
  );
  return {
    seq: event.seq,
    at: iso(event.at),
    type: event.type,
    ...(event.project === null ? {} : { project: event.project }),
    ...(event.run === null ? {} : { run: event.run }),
    ...(event.task === null ? {} : { task: event.task }),
    ...(event.agent === null ? {} : { agent: event.agent }),
    data,
  };
}
