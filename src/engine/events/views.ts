import { iso } from "../../base/time.js";
import type { StoredEvent } from "../../store/events/history.js";

export function eventView(event: StoredEvent) {
  return {
    seq: event.seq,
    at: iso(event.at),
    type: event.type,
    ...(event.project === null ? {} : { project: event.project }),
    ...(event.run === null ? {} : { run: event.run }),
    ...(event.task === null ? {} : { task: event.task }),
    ...(event.agent === null ? {} : { agent: event.agent }),
    data: event.data,
  };
}
