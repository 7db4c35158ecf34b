import { z } from "zod";
import {
  saveCursor,
  pollWatch,
  openWatch,
  waitsForFiles,
  type Seen,
  WAIT_KINDS,
  type Watch,
} from "../engine/events/waits.js";
import { type Earlier, earlierMatters } from "../engine/events/earlier.js";
import type { NextCall } from "../base/errors.js";
import { defined } from "../base/json.js";
import { eventView } from "../engine/events/views.js";
import { defineOperation, type OperationHost } from "../dispatch/operation.js";
import * as params from "../dispatch/params.js";
import * as shapes from "../dispatch/shapes.js";

export const waitFor = defineOperation({
  name: "wait_for",
  title: "Wait for events",
  description:
    "Waits for an event that concerns this agent, in any process: a message, a file it queues for, a run or task ended, a task ready. Returns the events and a cursor. Work is waited for in claim_task.",
  area: "runs",
  effect: "write",
  listed: true,
  inLoop: true,
  words: ["wait for a run to end", "subscribe"],
  example: { run: "run_…", timeout_seconds: 50 },
  input: z.object({
    cursor: z.string().optional().describe("From the last answer. Default: where this agent left off."),
    kinds: z.array(z.enum(WAIT_KINDS)).min(1).optional(),
    run: params.run.optional(),
    task: params.task.optional(),
    timeout_seconds: z.number().min(0).max(600).default(50),
    ...params.acting,
    project: params.project,
  }),
  output: z.object({
    note: z.string().optional(),
    next: z.array(shapes.call).optional(),
    ...shapes.waitBound,
    events: z.array(shapes.event),
    cursor: z.string(),
    timed_out: z.boolean(),
  }),
  async perform(host, input) {
    const watch = await host.transact((ctx) => openWatch(ctx, input), "watch");
    const { more, ...seen } = await waitWith(host, watch, input.timeout_seconds);
    if (seen.cursor !== watch.cursor) await host.transact(() => saveCursor(watch, seen.cursor), "cursor");
    const next: NextCall[] = seen.events.flatMap((event) =>
      event.type === "lock.offered" ? takingOffer(event, watch, input) : [],
    );
    if (more > 0 || seen.events.some(({ type }) => type === "message.sent"))
      next.push({ tool: "read_messages", arguments: defined({ agent: input.agent, project: input.project }) });
    return {
      ...(next.length > 0 && { next }),
      events: seen.events.map(eventView),
      cursor: seen.cursor,
      timed_out: seen.events.length + more === 0,
      ...(more > 0 && { note: FURTHER_BACK }),
      ...(seen.events.length + more === 0 && {
        ...(await host.waitBound(input.timeout_seconds)),
        ...(input.kinds?.includes("lock_granted") === true &&
          !(await host.read(() => waitsForFiles(watch))) && { note: NO_LINE }),
      }),
    };
  },
});

/** Waits, unless something from before an agent's first wait still waits for it. */
async function waitWith(
  host: OperationHost,
  watch: Watch,
  timeoutSeconds: number,
): Promise<Seen & Pick<Earlier, "more">> {
  const { first } = watch;
  const earlier = first === undefined ? undefined : await host.read(() => earlierMatters(first));
  const { events = [], more = 0 } = earlier ?? {};
  let seen: Seen = { events: [], cursor: watch.cursor };
  await host.waitFor(
    async () => {
      seen = await host.read((ctx) => pollWatch(ctx, { ...watch, cursor: seen.cursor }));
      return seen.events.length > 0 ? true : undefined;
    },
    events.length + more > 0 ? 0 : timeoutSeconds,
  );
  const known = new Set(events.map(({ seq }) => seq));
  return { events: [...events, ...seen.events.filter(({ seq }) => !known.has(seq))], cursor: seen.cursor, more };
}

const FURTHER_BACK =
  "Messages or reviews wait for you from further back than these events: read_messages and get_supervision have them.";

const NO_LINE =
  "You are in line for no file here, so none can be granted: acquire_file_lock with wait_seconds waits for one, and keeps its place in line for a while after.";

/** The call that takes an offer: the one that asked, once more. */
function takingOffer(
  { data, task, project }: Seen["events"][number],
  watch: Watch,
  asked: { agent?: string | undefined },
) {
  const { paths, mode } = data;
  return {
    tool: "acquire_file_lock",
    arguments: defined({
      paths,
      mode: mode === "shared" ? mode : undefined,
      task: task ?? undefined,
      agent: asked.agent,
      project: project === watch.project ? undefined : project,
    }),
  };
}
