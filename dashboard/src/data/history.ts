import { useSyncExternalStore } from "react";
import type { InputOf, OperationName } from "./client.js";
import { queryClient } from "./queries.js";
import { isSignInAsked, readSession } from "./session.js";
import { isTouched } from "./touched-by.js";

/** An event of the history, as `list_events` shows it. */
export interface HistoryEvent {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly project?: string;
  readonly run?: string;
  readonly task?: string;
  readonly agent?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type StreamState = "connecting" | "live" | "offline";

/** The first event after a rest is acted upon at once, a busy history so often. */
const COALESCE_MS = 200;
/** Longer than any read takes of a server that answers. */
const READ_MS_MAX = 5_000;
const REOPEN_MS = 2_000;

let state: StreamState = "connecting";
let source: EventSource | undefined;
let reopening: ReturnType<typeof setTimeout> | undefined;
let cursor: string | undefined;
let gathered: HistoryEvent[] = [];
let isResting = true;
const stateListeners = new Set<() => void>();
const eventListeners = new Set<HistoryListener>();

/** Told of events as they come, several at a time; the next come when what it returns has settled. */
type HistoryListener = (events: readonly HistoryEvent[]) => unknown;

/** Follows the history by the one stream of the page, for as long as the page is open. */
export function followHistory(): void {
  open();
  // A browser that goes off its network leaves the stream as it is, and knows nothing of a server on its own machine: a new stream tells.
  window.addEventListener("offline", open);
  window.addEventListener("online", open);
}

function open(): void {
  source?.close();
  clearTimeout(reopening);
  const opened = new EventSource(cursor === undefined ? "/api/v1/events" : `/api/v1/events?after=${cursor}`);
  source = opened;
  opened.addEventListener("start", (message) => {
    // Changes between the first reads and the start of the stream are in none of its events.
    if (cursor === undefined) readAllAgain();
    else if (state === "offline") readWhatFailed();
    heard(message);
    enter("live");
  });
  opened.addEventListener("gone", readAllAgain);
  opened.addEventListener("message", (message: MessageEvent<string>) => {
    heard(message);
    gather(JSON.parse(message.data) as HistoryEvent);
  });
  opened.addEventListener("error", () => {
    enter("offline");
    // A stream ends with the sign-in that it was opened by.
    void readSession();
    // The browser itself asks again after a lost connection, not after a refusal.
    if (opened.readyState === EventSource.CLOSED) reopening = setTimeout(reopen, REOPEN_MS);
  });
}

/** Opens the stream again; while a sign-in is asked for, it would be refused each time. */
function reopen(): void {
  if (isSignInAsked()) reopening = setTimeout(reopen, REOPEN_MS);
  else open();
}

function heard(message: MessageEvent): void {
  if (message.lastEventId !== "") cursor = message.lastEventId;
}

function readAllAgain(): void {
  void queryClient.invalidateQueries();
}

/** Reads again what was touched while the server did not answer; later changes come as events. */
function readWhatFailed(): void {
  void queryClient.refetchQueries({ type: "active", stale: true });
}

function enter(next: StreamState): void {
  if (state === next) return;
  state = next;
  for (const listener of stateListeners) listener();
}

function gather(event: HistoryEvent): void {
  gathered.push(event);
  if (!isResting) return;
  isResting = false;
  queueMicrotask(deliver);
}

function deliver(): void {
  const events = gathered;
  gathered = [];
  if (events.length === 0) {
    isResting = true;
    return;
  }
  const heeded = Array.from(eventListeners, (listener) => listener(events));
  const read = queryClient.invalidateQueries({
    predicate: ({ queryKey: [name, input] }) =>
      events.some((event) => isTouched(name as OperationName, input as InputOf<OperationName>, event)),
  });
  // A read ends before it may be asked for again: while much happens it would never be.
  const isRead = Promise.race([Promise.allSettled([read, ...heeded]), rest(READ_MS_MAX)]);
  void Promise.all([isRead, rest(COALESCE_MS)]).then(deliver);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Whether the page is live. */
export function useStreamState(): StreamState {
  return useSyncExternalStore(
    (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    () => state,
  );
}

/** Calls the listener with events as they come. Returns how to stop. */
export function onEvents(listener: HistoryListener): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}
