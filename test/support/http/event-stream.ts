import { atEnd } from "../lifetime.js";

/** One event of a stream, as a browser's EventSource would give it. */
export interface StreamEvent {
  /** `message` where it has none of its own. */
  readonly name: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

export interface TestStream {
  readonly status: number;
  readonly headers: Headers;
  /** The next event that `wanted` takes; those before it are left out. Rejects when the stream ends without. */
  readonly next: (wanted?: (event: StreamEvent) => boolean) => Promise<StreamEvent>;
  /** All that is left until the stream ends. */
  readonly rest: () => Promise<readonly StreamEvent[]>;
  /** The text so far, comments included. */
  readonly text: () => string;
  readonly close: () => void;
}

/** Opens a stream of the server. Closed when the test has finished. */
export async function openStream(url: string, headers: Readonly<Record<string, string>> = {}): Promise<TestStream> {
  const abort = new AbortController();
  atEnd(() => abort.abort());
  const accept = { Accept: "text/event-stream", ...headers };
  const response = await fetch(url, { headers: accept, signal: abort.signal });
  let text = "";
  const events = eventsOf(response, (more) => (text += more));
  const next = async (wanted: (event: StreamEvent) => boolean = () => true) => {
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) throw new Error(`the stream ended: ${text.slice(-1_000)}`);
      if (wanted(value)) return value;
    }
  };
  const rest = async () => {
    const left: StreamEvent[] = [];
    for await (const event of events) left.push(event);
    return left;
  };
  const { status, headers: answered } = response;
  return { status, headers: answered, next, rest, text: () => text, close: () => abort.abort() };
}

async function* eventsOf(response: Response, onText: (text: string) => void): AsyncGenerator<StreamEvent, undefined> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of response.body!) {
    const more = decoder.decode(chunk, { stream: true });
    onText(more);
    const blocks = (pending + more).split("\n\n");
    pending = blocks.pop()!;
    yield* blocks.flatMap(eventIn);
  }
  return undefined;
}

function eventIn(block: string): StreamEvent[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
  const data = field("data");
  if (data === undefined) return [];
  return [{ name: field("event") ?? "message", id: field("id"), data: JSON.parse(data) as Record<string, unknown> }];
}
