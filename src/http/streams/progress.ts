import { startFollowing } from "../../engine/events/following.js";
import { follow, type Pace } from "./following.js";
import type { OpenHistory } from "./open-streams.js";
import { HEARTBEAT, namedFrame, RECONNECT } from "./sse.js";

export interface FollowedProgress {
  readonly history: OpenHistory;
  readonly run: string;
  /** How it stands. */
  readonly read: () => Promise<Readonly<Record<string, unknown>>>;
  readonly pace: Pace;
}

/** Between two reads of a busy run, at least. */
const PAUSE_MS = 200;

/** A run's progress, again whenever its history goes on; ends with the run. */
export async function* progressFrames({
  history,
  run,
  read,
  pace,
}: FollowedProgress): AsyncGenerator<string, undefined> {
  const from = await history.reader.read((ctx) => startFollowing(ctx, { run }));
  yield RECONNECT;
  let progress = await read();
  yield namedFrame("progress", progress);
  const news = follow(history, from, pace);
  while (progress["duration_ms"] === undefined) {
    const { done, value: events } = await news.next();
    if (done === true) return;
    if (events.length === 0) yield HEARTBEAT;
    else {
      progress = await read();
      yield namedFrame("progress", progress);
      await pause(PAUSE_MS, pace.signal);
    }
  }
  yield namedFrame("end", { run });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
