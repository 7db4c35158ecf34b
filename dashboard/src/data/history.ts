import { useSyncExternalStore } from "react";
import type { InputOf, OperationName } from "./client.js";
import { queryClient } from "./queries.js";
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
const REOPEN_MS = 2_000;

let state: StreamState = "connecting";
let cursor: string | undefined;
let gathered: HistoryEvent[] = [];
let isResting = true;
const stateListeners = new Set<() => void>();
const eventListeners = new Set<(events: readonly HistoryEvent[]) => void>();

/** Follows the history by the one stream of the page, for as long as the page is open. */
export function followHistory(): void {
  const source = new EventSource(cursor === undefined ? "/api/v1/events" : `/api/v1/events?after=${cursor}`);
  source.addEventListener("start", (message) => {
    // Changes between the first reads and the start of the stream are in none of its events.
    if (cursor === undefined) readAllAgain();
    heard(message);
    enter("live");
  });
  source.addEventListener("gone", readAllAgain);
  source.addEventListener("message", (message: MessageEvent<string>) => {
    heard(message);
    gather(JSON.parse(message.data) as HistoryEvent);
  });
  source.addEventListener("error", () => {
    enter("offline");
    // The browser itself asks again after a lost connection, not after a refusal.
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(followHistory, REOPEN_MS);
  });
}

function heard(message: MessageEvent): void {
  if (message.lastEventId !== "") cursor = message.lastEventId;
}

function readAllAgain(): void {
  void queryClient.invalidateQueries();
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
  setTimeout(deliver, COALESCE_MS);
  for (const listener of eventListeners) listener(events);
  void queryClient.invalidateQueries({
    predicate: ({ queryKey: [name, input] }) =>
      events.some((event) => isTouched(name as OperationName, input as InputOf<OperationName>, event)),
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

/** Calls the listener with events as they come, several at a time. Returns how to stop. */
export function onEvents(listener: (events: readonly HistoryEvent[]) => void): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}
