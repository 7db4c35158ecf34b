import { z } from "zod";
import type { ResultOf } from "../../src/tools/registry.js";
import type { Baton } from "../team/baton.js";

/** Fields that the demo reads of an event's data, which differ from type to type. */
const eventData = z.looseObject({
  key: z.string().optional(),
  attempt: z.number().optional(),
  percent: z.number().nullish(),
  tasks: z.number().optional(),
  status: z.string().optional(),
  paths: z.array(z.string()).optional(),
  locks: z.array(z.looseObject({ path: z.string() })).optional(),
});
type Event = ResultOf<"list_events">["events"][number];

/** One line of the history: what happened to which task or lock, by whom, when (milliseconds since the epoch). */
export type HistoryEvent = Omit<Event, "at" | "data"> & { at: number; data: z.output<typeof eventData> };

const PAGE_MAX = 200;
/** Behind the notifications: a look now and then, should one be lost. */
const LOOK_MS = 1_000;

/** The history of a run, in order and without gaps, whatever happens to the server that it is read through. */
export class Feed {
  readonly #run: string;
  #cursor: string | undefined;

  constructor(run: string) {
    this.#run = run;
  }

  /** Follows the history from where it was left: Baton says when there is something new. Ends with the run. */
  async *follow(baton: Baton): AsyncGenerator<HistoryEvent> {
    const run = this.#run;
    let wake = () => {};
    await baton.subscribe(`baton://runs/${run}/events`, () => wake());
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      const { events, next_cursor, more } = await baton.query("list_events", { run, limit: PAGE_MAX, ...cursor });
      this.#cursor = next_cursor;
      for (const event of events) yield { ...event, at: Date.parse(event.at), data: eventData.parse(event.data) };
      if (events.some(({ type }) => type === "run.finished")) return;
      if (!more) await changed;
    }
  }
}
