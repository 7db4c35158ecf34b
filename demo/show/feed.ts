import { z } from "zod";
import type { Baton } from "../team/baton.js";

const eventShape = z.object({
  seq: z.number(),
  at: z.string().transform((text) => Date.parse(text)),
  type: z.string(),
  task: z.string().optional(),
  agent: z.string().optional(),
  data: z.looseObject({
    key: z.string().optional(),
    attempt: z.number().optional(),
    token: z.number().optional(),
    percent: z.number().nullish(),
    tasks: z.number().optional(),
    status: z.string().optional(),
    paths: z.array(z.string()).optional(),
    locks: z.array(z.looseObject({ path: z.string() })).optional(),
    why: z.string().optional(),
  }),
});

/** One line of the history: what happened to which task or lock, by whom, when (milliseconds since the epoch). */
export type HistoryEvent = z.output<typeof eventShape>;

const page = z.object({ events: z.array(eventShape), next_cursor: z.string(), more: z.boolean() });
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
    const { events, next_cursor, more } = await baton.query("list_events", wanted, page);
    cursor = next_cursor;
    yield* events;
    if (events.some(({ type }) => type === "run.finished")) return;
    if (!more) await changed;
  }
}
