import { z } from "zod";
import type { ResultOf } from "../../src/tools/registry.js";
import type { Baton } from "../team/baton.js";

/** Fields that the demo reads of an event's data, which differ from type to type. */
const eventData = z.looseObject({
  key: z.string().optional(),
  attempt: z.number().optional(),
  token: z.number().optional(),
  percent: z.number().nullish(),
  tasks: z.number().optional(),
  status: z.string().optional(),
  paths: z.array(z.string()).optional(),
  locks: z.array(z.looseObject({ path: z.string() })).optional(),
  why: z.string().optional(),
});
type Event = ResultOf<"list_events">["events"][number];

/** One line of the history: what happened to which task or lock, by whom, when (milliseconds since the epoch). */
export type HistoryEvent = Omit<Event, "at" | "data"> & { at: number; data: z.output<typeof eventData> };

const PAGE_MAX = 200;
/** Behind the notifications: a look now and then, should one be lost. */
const LOOK_MS = 1_000;

/**
 * Follows the history of a run, in order and without gaps: Baton says when there is something new, a cursor says from where to
 * read on. Ends with the run.
 */
export async function* follow(baton: Baton, run: string): AsyncGenerator<HistoryEvent> {
  let wake = () => {};
  await baton.subscribe(`baton://runs/${run}/events`, () => wake());
  let cursor: string | undefined;
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    const wanted = { run, limit: PAGE_MAX, ...(cursor === undefined ? {} : { cursor }) };
    const { events, next_cursor, more } = await baton.query("list_events", wanted);
    cursor = next_cursor;
    for (const event of events) yield { ...event, at: Date.parse(event.at), data: eventData.parse(event.data) };
    if (events.some(({ type }) => type === "run.finished")) return;
    if (!more) await changed;
  }
}
